#!/usr/bin/env bash
# preload.sh LIBRARY : programs of the system print the same with LIBRARY preloaded as without, and end the same. With
# ZMM_SAMPLE in the environment each is sampled, and writes its profile.
set -u
library=$(realpath "$1")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 2
[ -z "${ZMM_SAMPLE:-}" ] || { mkdir profiles && export ZMM_PROFILE=$work/profiles/p; }
broken=0
compared=0

# same COMMAND [ARGUMENT...] : skipped where there is no such program.
same() {
  command -v "$1" >/dev/null || return 0
  timeout 60 "$@" >plain 2>&1 </dev/null
  echo "ended with $?" >>plain
  LD_PRELOAD=$library timeout 60 "$@" >preloaded 2>&1 </dev/null
  echo "ended with $?" >>preloaded
  compared=$((compared + 1))
  cmp -s plain preloaded && return 0
  echo "preload: another output with the library preloaded: $*"
  diff plain preloaded | head -n 10
  broken=1
}

# What would make the rest of this worthless: the library that is not there, or is not called.
bound=$(LD_DEBUG=bindings LD_BIND_NOW=1 LD_PRELOAD=$library ls 2>&1 >/dev/null)
for name in malloc calloc realloc free; do
  grep -q "libc.so.* to .*$(basename "$library") .*\`$name'" <<<"$bound" || { echo "preload: the C library's $name is its own"; broken=1; }
done
if grep -q 'libstdc++' <<<"$bound"; then echo "preload: brings libstdc++ into a program that has none"; broken=1; fi

seq 1 30000 | rev >numbers
same ls -lR /usr/include/c++
same sort numbers
same sort --parallel=4 -S 20M -n numbers
same awk '{ n[$1 % 1000] += $1; s = s "x" } END { for (i = 0; i < 1000; ++i) print n[i]; print length(s) }' numbers
same sed -n 's/1/one/gp' numbers
same grep -c '12*3' numbers
same tar cf - --sort=name --mtime=@0 /usr/share/doc/bash
same find / -maxdepth 2 -path /proc -prune -o -name 'b*' -print
same bash -c 'for i in $(seq 20); do (x=$(echo $i | rev); echo "$x"); done; printf "%s\n" {1..500} | while read -r n; do a[n]=$n; done; wait; echo ${#a[@]}'
same bash -c 'for i in 1 2 3 4; do (for j in $(seq 10); do echo $((i * j)) | cat; done >part$i) & done; wait; cat part?; rm part?'
same perl -e 'my %h; $h{$_ % 1000} .= $_ for 1 .. 50000; print length $h{$_}, "\n" for sort keys %h; for (1 .. 5) { my $p = fork // die; exit 0 if !$p; waitpid $p, 0 }'
same python3 -c 'import json, re, threading
d = {str(i): [i] * (i % 50) for i in range(4000)}
print(len(json.dumps(d)), len(re.findall("1+", " ".join(d))))
t = [threading.Thread(target=lambda: json.loads(json.dumps(d))) for _ in range(8)]
[x.start() for x in t]; [x.join() for x in t]
import os, subprocess
for i in range(5):
    if os.fork() == 0: os._exit(len([bytes(i) for i in range(10000)]) & 1)
    print(os.wait()[1])
print(subprocess.run(["echo", "a child"], capture_output=True).stdout)
print(len(bytearray(100 << 20)))'
same python3 -c 'raise SystemExit(3)'
same sqlite3 :memory: 'create table t(a, b); with recursive c(n) as (select 1 union all select n + 1 from c where n < 50000) insert into t select n, hex(n * n) from c; select sum(a), count(distinct b), max(b) from t; create index i on t(b); select * from t order by b limit 10;'

[ "$compared" -ge 8 ] || { echo "preload: only $compared programs were there to compare"; broken=1; }
if [ -n "${ZMM_SAMPLE:-}" ]; then
  [ "$(find profiles -type f | wc -l)" -ge "$compared" ] || { echo "preload: programs wrote no profile"; broken=1; }
  find profiles -type f -exec gzip -t {} + || broken=1
fi
[ "$broken" = 0 ]
