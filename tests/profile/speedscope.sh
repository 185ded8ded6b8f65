#!/usr/bin/env bash
# speedscope.sh PROGRAM [PICTURES] : speedscope, in Chromium without a window, opens the folded stacks and the pprof files that PROGRAM
# (zmm_profiled) writes, and finds in them what stats() says. It prints the table that speedscope shows of each, and leaves a picture
# of each in the folder PICTURES. For whoever changes include/zmm/inspect: it takes speedscope from npm, and is no test of ctest.
# CHROMIUM=COMMAND is the browser (default: chromium). Exit status 77: it, npm or the package is not there.
set -u
[ $# -ge 1 ] || { sed -n '2,5s/^# //p' "$0" >&2; exit 2; }
program=$1 pictures=${2:-} chromium=${CHROMIUM:-chromium}
[ -z "$pictures" ] || mkdir -p "$pictures"
for tool in npm "$chromium"; do
  command -v "$tool" >/dev/null || { echo "speedscope: $tool is not installed"; exit 77; }
done
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
npm pack --silent --pack-destination "$work" speedscope@1.25.0 >/dev/null && tar -xzf "$work"/speedscope-*.tgz -C "$work" ||
  { echo 'speedscope: npm does not have it'; exit 77; }
"$program" "$work" sampled >"$work/said" || { echo "speedscope: $program wrote nothing"; exit 1; }
broken=0
wrong() { echo "speedscope: $file: $*"; broken=1; }

# What the page does: it opens the file, exports it in speedscope's own format, and is left with lines of what is in that and what is seen.
page() {
  echo "speedscope.loadFileFromBase64('$file', '$(base64 -w0 "$work/$file")')"
  cat <<'J'
const say = lines => {
  const text = document.createElement('pre');
  text.textContent = ['', ...lines, ''].join('\n');
  document.body.append(text);
};
URL.createObjectURL = async exported => {
  const {shared, profiles} = JSON.parse(await exported.text());
  for (const {endValue, unit} of profiles) say([`total ${endValue} ${unit}`]);
  say(shared.frames.map(frame => `frame ${frame.name}`));
  say([...document.querySelectorAll('tr')].map(row => 'row ' + [...row.children].map(cell => cell.textContent).join(' | ')));
};
const wait = setInterval(() => {
  if (!document.querySelector('td')) return;
  clearInterval(wait);
  setTimeout(() => window.dispatchEvent(new KeyboardEvent('keydown', {key: 's', ctrlKey: true, metaKey: true})), 500);
}, 100);
J
}
browse() {
  timeout 120 "$chromium" --headless --no-sandbox --allow-file-access-from-files --user-data-dir="$work/browser" \
    --window-size=1200,2000 --virtual-time-budget=10000 "$@" \
    "file://$work/package/dist/release/index.html#view=$view&localProfilePath=$work/$file.js" 2>"$work/$file.log"
}

while read -r name bytes _; do
  for file in "$name.collapsedstack.txt" "$name.pb.gz"; do
    page >"$work/$file.js"
    view=sandwich
    shown=$(browse --dump-dom | sed -nE 's/&lt;/</g; s/&gt;/>/g; s/&amp;/\&/g; /^(total|frame|row) /p')
    read -r _ total unit < <(grep '^total ' <<<"$shown")
    echo "$file: ${total:-nothing} ${unit:-}, and $bytes is what $program says"
    sed -n 's/^row /    /p' <<<"$shown" | head -12
    if [ -n "$pictures" ]; then
      view=left-heavy
      browse --screenshot="$(cd "$pictures" && pwd)/$file.png"
    fi
    case $file in
      sampled.*)  # says about what was allocated, and in both formats the same
        sum=$(awk '{ sum += $NF } END { printf "%d", sum }' "$work/sampled.collapsedstack.txt")
        [ "${total:-}" = "$sum" ] || wrong "not $sum bytes"
        [ $((sum * 10)) -gt $((bytes * 9)) ] && [ $((sum * 10)) -lt $((bytes * 11)) ] || wrong "$sum is not about $bytes" ;;
      *) [ "${total:-}" = "$bytes" ] || wrong "not $bytes bytes" ;;
    esac
    case $file in
      *.pb.gz) [ "${unit:-}" = bytes ] || wrong 'a unit other than bytes' ;;
    esac
    case $name in
      debug) frames=('parse order' 'profiled.cpp:' '(place not known)') ;;
      plain) frames=('3072 bytes' 'run' 'huge') ;;
      sampled) frames=('parse order' "$(basename "$program")+0x" 'libc.so.6+0x') ;;
    esac
    for frame in "${frames[@]}"; do
      grep -qF "frame $frame" <<<"$shown" && grep -qF "| $frame" <<<"$shown" || wrong "$frame is not in it"
    done
  done
done <"$work/said"
exit $broken
