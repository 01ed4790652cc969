#!/bin/bash
# report.sh -- `quench report`: one page, complete, self-contained; in a browser too where one is here.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"

q run "$root/models/template/ising.yaml" --plugin "$root/models/template/ising.so" --set replicas=2 --set sampling.steps=60 --set dynamics=heatbath --set "title=Ising <b>& others</b>" -o ising.h5 -q
expect run 0
cat >sweep.yaml <<'Y'
model: hebbian
seed: 3
replicas: 2
parameters: {N: 60, P: 4}
sweep:
  dynamics: [heatbath, metropolis]
  load: {from: 0.02, to: 0.1, points: 3}
  T: {from: 0.2, to: 1.0, points: 8}
sampling: {thermalization: 20, steps: 40}
output: hebbian.h5
Y
q run sweep.yaml -q
expect run_three_axes 0
q theory hebbian --sweep sweep.yaml -o theory.h5
expect theory 0
q report ising.h5 -o one.html
expect one 0 'in one.html'
q report ising.h5 hebbian.h5 --overlay theory.h5 --title 'Two "sweeps"' -o two.html
expect two 0 '2 files in two.html'
q report ising.h5 --observable binder --where L=8,16 -o some.html
expect some 0 '1 figure of 1 file'

cat >look.py <<'P'
import base64, html.parser, re, sys, xml.dom.minidom
import h5py
VOID = {"meta", "img", "br"}
class Page(html.parser.HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.open, self.images, self.heads, self.cells, self.text, self.links, self.ids = [], [], [], [], [], [], []
        self.row = None
        self.feed(text)
        assert not self.open, self.open
    def handle_starttag(self, tag, attrs):
        a = dict(attrs)
        for k in ("src", "href"):
            if a.get(k):
                assert a[k].startswith(("data:", "#")), a[k][:60]
        if tag == "img": self.images.append((a["alt"], a["src"]))
        if tag == "a": self.links.append(a["href"])
        if "id" in a: self.ids.append("#" + a["id"])
        if tag == "tr": self.row = []
        if tag not in VOID: self.open.append(tag)
    def handle_endtag(self, tag):
        assert self.open.pop() == tag, tag
        if tag == "tr": self.cells.append(self.row)
    def handle_data(self, data):
        self.text.append(data)
        if self.open and self.open[-1] in ("td", "th") and self.row is not None: self.row.append(data)
text = open(sys.argv[1], encoding="utf-8").read()
assert not re.search(r"url\(|@import|<script|<link", text)
page = Page(text)
for alt, src in page.images:
    svg = base64.b64decode(src.split("base64,")[1], validate=True)
    xml.dom.minidom.parseString(svg)
    assert b"<svg" in svg[:600] and len(svg) > 2000, alt
assert sorted(page.links) == sorted(i for i in page.ids if page.links), (page.links, page.ids)
said = "".join(page.text)
P
cat >one.py <<'P'
exec(open("look.py").read())
f = h5py.File("ising.h5")
assert {n for n, _ in page.images} == {"u", "u2", "m", "m_abs", "m2", "m4", "total_energy", "binder", "specific_heat", "susceptibility"}, page.images
assert "Ising <b>& others</b>" in said and "<b>& others" not in text
config = f.attrs["config"]
assert (config.decode() if isinstance(config, bytes) else config).strip() in said
assert "sampling.steps=60" in said and "Provenance" in said and "compiler" in said
rows = [r for r in page.cells if len(r) > 4 and r[0] == "16" and r[1] == "2.4"]
u = f["u"][list(f["L"][:]).index(16), [round(t, 9) for t in f["T"][:]].index(2.4)]
assert "%.6g" % u == rows[0][2], (rows[0], u)
bad = int((f["m_eq"][:] == 0).sum())
assert bad and f"{bad} of 51 points are too short" in said, bad
P
check one_page "" "$python" one.py one.html
check two_pages "" "$python" - two.html <<'P'
exec(open("look.py").read())
assert len(page.links) == 2 and "Two \"sweeps\"" in said
assert sum(n == "m" for n, _ in page.images) == 2
assert "at dynamics=metropolis" in said
P
check some_of_it "" "$python" - some.html <<'P'
exec(open("look.py").read())
assert [n for n, _ in page.images] == ["binder"]
assert {r[0] for r in page.cells if len(r) == 4 and r[0].isdigit()} == {"8", "16"}, page.cells[:5]
P
browser=$(command -v chromium || command -v chromium-browser || command -v google-chrome)
if [ -n "$browser" ]; then
    "$browser" --headless --no-sandbox --disable-gpu --window-size=1200,2000 --screenshot=page.png "file://$work/one.html" >/dev/null 2>&1
    check browser_draws_it "no picture" test "$(stat -c %s page.png 2>/dev/null || echo 0)" -gt 50000
    "$browser" --headless --no-sandbox --disable-gpu --dump-dom "file://$work/one.html" >dom 2>/dev/null
    check browser_reads_it "" grep -q 'susceptibility per spin' dom
fi

refuse() { # NAME PATTERN ARGUMENTS...
    local name=$1 pattern=$2
    shift 2
    q report "$@" -o refused.html
    expect "$name" 2 "$pattern"
    check "${name}_writes_nothing" "refused.html is there" test ! -e refused.html
}
echo no >no.h5
refuse not_ours 'no.h5' no.h5
refuse absent 'nothing.h5' nothing.h5
refuse no_such_observable "binder" ising.h5 --observable bindre
refuse no_such_point 'L' ising.h5 --where L=7
q report ising.h5 -o page.pdf
expect no_html 2 'html'
q report ising.h5 -o nowhere/page.html
expect no_folder 1 'nowhere/page.html'
finish
