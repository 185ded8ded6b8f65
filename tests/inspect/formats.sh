#!/usr/bin/env bash
# formats.sh PROGRAM SCHEMA : what zmm writes is read by others: a JSON schema validator, Prometheus' strict parser, an XML
# parser. 77: none of them is installed (Debian: python3-jsonschema, python3-prometheus-client, libxml2-utils).
set -u
program=$1 schema=$2
folder=$(mktemp -d)
trap 'rm -r "$folder"' EXIT
[ "$("$program" "$folder" 2>/dev/null)" = ok ] || { echo "formats: the program fails"; exit 1; }

# Debian's modules belong to Debian's Python, which need not be the first one in the path.
python=
for candidate in python3 /usr/bin/python3; do
  "$candidate" -c 'import jsonschema, prometheus_client' 2>/dev/null && { python=$candidate; break; }
done
read=0 broken=0
if [ -n "$python" ]; then
  read=1
  "$python" - "$folder" "$schema" <<'PYTHON' || broken=1
import glob, json, sys
import jsonschema
from prometheus_client.openmetrics.parser import text_string_to_metric_families

folder, schema_file = sys.argv[1:]
with open(schema_file) as f:
    schema = json.load(f)
jsonschema.Draft202012Validator.check_schema(schema)
validator = jsonschema.Draft202012Validator(schema)
files = sorted(glob.glob(folder + "/*.json"))
assert len(files) >= 20, files
for name in files:
    with open(name, encoding="utf-8") as f:
        data = json.load(f)
    validator.validate(data)
    assert not list(validator.iter_errors({**data, "schema": 2})) == [], "the schema takes anything"
    figures, areas = data["figures"], data["areas"].values()
    if data["engine"] == "request_pool":
        assert data["requests"] and data["ended"] and data["ended_sites"]
        assert sum(l["requests"] for l in data["ended"]) == figures["ended"] == 102
        assert sum(a["live_bytes"] for a in areas) == figures["used"], name
    elif "sites" in data:
        assert sum(s["live_bytes"] for s in data["sites"]) == figures["size"], name
        assert sum(s["live_blocks"] for s in data["labels"]) == figures["live_blocks"], name
    else:
        assert sum(a["live"] for a in areas) == figures["live_blocks"], name
        assert sum(a["live_bytes"] for a in areas) == figures["size"], name

pages = sorted(glob.glob(folder + "/*.metrics"))
assert len(pages) >= 20, pages
for name in pages:
    with open(name, encoding="utf-8") as f:
        text = f.read()
    families = {f.name: f for f in text_string_to_metric_families(text)}
    assert "zmm_build" in families, name
    series = [line if line.startswith("#") else line.rsplit(" ", 1)[0] for line in text.splitlines()]
    assert len(set(series)) == len(series), "a series twice in " + name
    if name.endswith("page.metrics"):
        assert len(families["zmm_heap_live_bytes"].samples) == 3
        assert [s.value for s in families["zmm_pool_requests_ended"].samples] == [102]
        assert sorted(s.value for s in families["zmm_pool_label_requests_ended"].samples) == [2, 50, 50]
        assert families["zmm_site_live_bytes"].samples[0].value == 5000
try:
    list(text_string_to_metric_families(text.replace("# EOF\n", "")))
except ValueError:
    pass
else:
    sys.exit("the parser is not strict")
PYTHON
fi
if command -v xmllint >/dev/null; then
  read=1
  xmllint --noout "$folder"/*.svg || broken=1
fi
[ $broken = 0 ] || exit 1
[ $read = 1 ] || exit 77
