#!/usr/bin/env bash
# The two commands on bare Debian machines: builds roots, plays a newcomer in them, prints the table.
#
#   sandbox/bare.sh                       everything (an hour or two)
#   sandbox/bare.sh 'trixie/root/*'       the machines that fit a pattern: SUITE/WHO/JAVA
#   GOALS='demo again' sandbox/bare.sh    only these: demo, again (the demo once more), test, check
#   sandbox/bare.sh --table               only the table of the results so far
#
# SUITE is bookworm or trixie. WHO is user, or root in a home that nobody else may enter. JAVA is
# none, apt (a JDK and Maven of Debian's), or pypi (make java).
#
# Needs root, debootstrap, git and util-linux. Everything lies below .cache/bare; a machine's own
# writes are in memory and gone after it. Committed files only. The machine's own ways to the
# outside (Debian's mirror, pip's index, proxies, certificates) are passed in; MIRROR names another.
set -euo pipefail

CHECKOUT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
BARE="${REVIEWLOOP_CACHE:-$CHECKOUT/.cache}/bare"
RESULTS="$BARE/results.tsv"
SUITES='bookworm trixie'
PEOPLE='user root'
JAVAS='none apt pypi'
GOALS=${GOALS:-demo again test check}
NEEDED='ca-certificates git make python3 python3-venv'
NEEDED_FOR_JAVA='default-jdk-headless maven'
WAYS='PIP_INDEX_URL PIP_EXTRA_INDEX_URL PIP_TRUSTED_HOST PIP_CERT PIP_PROXY PIP_DEFAULT_TIMEOUT
  SSL_CERT_FILE REQUESTS_CA_BUNDLE HTTP_PROXY HTTPS_PROXY NO_PROXY http_proxy https_proxy no_proxy'

say() { printf '%s\n' "$*" >&2; }

check_machine() {
  [ "$(id -u)" = 0 ] || { say 'Run it as root: it mounts, and changes its root folder.'; exit 2; }
  for tool in debootstrap git unshare setpriv chroot; do
    command -v "$tool" > /dev/null || { say "$tool is missing: apt-get install -y debootstrap git util-linux"; exit 2; }
  done
}

# Debian's mirror as this machine's apt knows it.
mirror() {
  if [ -n "${MIRROR:-}" ]; then echo "$MIRROR"; return; fi
  apt-get indextargets --format '$(ORIGIN) $(CODENAME) $(REPO_URI)' 'Identifier: Packages' |
    awk '$1 == "Debian" && $2 !~ /-/ { print $3; exit }'
}

# root SUITE JAVA: the folder of a finished root; made when it is missing.
root() {
  local suite=$1 java=$2
  [ "$java" = apt ] || java=none
  if [ ! -d "$BARE/$suite-$java" ]; then
    say "Making $BARE/$suite-$java ..."
    unshare --mount --pid --fork "$0" --make "$suite" "$BARE/$suite-$java" "$java" > "$BARE/$suite-$java.log" 2>&1 ||
      { tail -n 20 "$BARE/$suite-$java.log" >&2; exit 1; }
  fi
  echo "$BARE/$suite-$java"
}

# make_root SUITE FOLDER JAVA, in namespaces of its own, since installing a JDK wants /proc.
make_root() {
  local suite=$1 made=$2.partial packages=$NEEDED
  [ "$3" = none ] || packages="$packages $NEEDED_FOR_JAVA"
  rm -rf "$made"
  debootstrap --variant=minbase "$suite" "$made" "$(mirror)"
  ways_out "$made"
  mount -t proc proc "$made/proc"
  # Unquoted: several packages.
  # shellcheck disable=SC2086
  chroot "$made" env DEBIAN_FRONTEND=noninteractive LC_ALL=C apt-get install -y -q --no-install-recommends $packages
  chroot "$made" update-ca-certificates
  chroot "$made" useradd --create-home --shell /bin/sh newcomer
  umount "$made/proc"
  mv "$made" "$2"
}

# How this machine reaches the outside, for a root: names, certificates, apt's and pip's settings.
ways_out() {
  local inside=$1 name
  cp -L /etc/resolv.conf /etc/hosts "$inside/etc/"
  apt-config dump | grep -E '^Acquire::(https?|Retries)' > "$inside/etc/apt/apt.conf.d/90outside" || true
  mkdir -p "$inside/usr/local/share/ca-certificates"
  cp /usr/local/share/ca-certificates/*.crt "$inside/usr/local/share/ca-certificates/" 2> /dev/null || true
  cp /etc/pip.conf "$inside/etc/" 2> /dev/null || true
  for name in PIP_CERT SSL_CERT_FILE REQUESTS_CA_BUNDLE; do
    [ -z "${!name:-}" ] || install -D -m 0644 "${!name}" "$inside${!name}"
  done
}

# Inside namespaces of its own: the root with everything that is written kept in memory.
enter() {
  local lower=$1 stage
  stage=$(mktemp -d)
  mount -t tmpfs -o mode=0755 tmpfs "$stage"
  mkdir "$stage/up" "$stage/work" "$stage/root"
  mount -t overlay overlay -o "lowerdir=$lower,upperdir=$stage/up,workdir=$stage/work" "$stage/root"
  mount -t proc proc "$stage/root/proc"
  mount -t devpts devpts "$stage/root/dev/pts"
  mkdir -p "$stage/root/dev/shm"
  mount -t tmpfs -o mode=1777 tmpfs "$stage/root/dev/shm"
  echo "$stage/root"
}

# outcome LOG: how many tests passed and failed; empty where none ran.
outcome() { sed -n -E '/^[0-9]+ (passed|failed)/{s/(, [0-9]+ warnings?)? in .*//;h};${g;p}' "$1"; }

# goal MACHINE GOAL COMMAND: run it as the newcomer, keep its log, note status and seconds.
goal() {
  local machine=$1 goal=$2 command=$3 log began status=0 seconds told
  log="$BARE/${machine//\//-}-$goal.log"
  say "$machine: $command"
  began=$(date +%s)
  chroot "$INSIDE" setpriv "${IDENTITY[@]}" env -i "${ENVIRONMENT[@]}" \
    sh -c "cd ~/checkout && $command" > "$log" 2>&1 < /dev/null || status=$?
  seconds=$(($(date +%s) - began))
  case $goal in
    test) told=$(outcome "$log") ;;
    demo | again) told=$(grep -q SIMULATED "$log" && echo simulated || echo real) ;;
    *) told='' ;;
  esac
  if [ "$status" != 0 ]; then
    told=$(outcome "$log")
    [ -n "$told" ] || told=$(tail -n 1 "$log" | tr '\t|' '  ' | cut -c 1-100)
  fi
  printf '%s\t%s\t%s\t%s\t%s\n' "$machine" "$goal" "$status" "$seconds" "$told" >> "$RESULTS"
  say "  status $status, $seconds s, $told"
}

# play MACHINE ROOT: a newcomer's hour, in namespaces of its own.
play() {
  local machine=$1 lower=$2 who java home one
  IFS=/ read -r _ who java <<< "$machine"
  INSIDE=$(enter "$lower")
  home=/root; IDENTITY=(--reset-env)
  if [ "$who" = user ]; then
    home=/home/newcomer
    IDENTITY=(--reuid=newcomer --regid=newcomer --init-groups)
  fi
  chmod 0700 "$INSIDE$home"
  mkdir "$INSIDE$home/checkout"
  tar -x -C "$INSIDE$home/checkout" < "$BARE/checkout.tar"
  [ "$who" = root ] || chroot "$INSIDE" chown -R newcomer: "$home"
  ENVIRONMENT=("HOME=$home" PATH=/usr/local/bin:/usr/bin:/bin LANG=C)
  for one in $WAYS; do
    [ -z "${!one:-}" ] || ENVIRONMENT+=("$one=${!one}")
  done
  [ "$java" != pypi ] || goal "$machine" java 'make java'
  for one in $GOALS; do
    case $one in
      demo | again) goal "$machine" "$one" 'make demo' ;;
      *) goal "$machine" "$one" "make $one" ;;
    esac
  done
}

table() {
  echo '| machine | who | Java | `make java` | `make demo`, first | again | `make test` | `make check` |'
  echo '|---|---|---|---|---|---|---|---|'
  # The last result of each counts.
  awk -F '\t' '
    { split($1, at, "/"); cell[$1, $2] = ($3 == 0 ? "good" : "**status " $3 "**") ", " $4 " s" ($5 ? ": " $5 : "") }
    !seen[$1]++ { order[++n] = $1 }
    END {
      for (i = 1; i <= n; i++) {
        split(order[i], at, "/")
        printf "| Debian %s | %s | %s |", at[1] == "bookworm" ? 12 : 13, at[2] == "root" ? "root, home closed" : "user", at[3]
        split("java demo again test check", goals, " ")
        for (j = 1; j <= 5; j++) printf " %s |", cell[order[i], goals[j]]
        print ""
      }
    }' "$RESULTS" | sort
}

main() {
  local suite who java machine pattern=${1:-*}
  [ "$pattern" != --table ] || { table; return; }
  if [ "$pattern" = --play ]; then play "$2" "$3"; return; fi
  if [ "$pattern" = --make ]; then make_root "$2" "$3" "$4"; return; fi
  check_machine
  mkdir -p "$BARE"
  git -C "$CHECKOUT" archive --format=tar -o "$BARE/checkout.tar" HEAD
  for suite in $SUITES; do
    for who in $PEOPLE; do
      for java in $JAVAS; do
        machine="$suite/$who/$java"
        # Unquoted on the right: a pattern.
        # shellcheck disable=SC2053
        [[ $machine == $pattern ]] || continue
        unshare --mount --pid --fork --kill-child "$0" --play "$machine" "$(root "$suite" "$java")"
      done
    done
  done
  table
}

# On one line, so that an edit while it runs does no harm.
main "$@"; exit
