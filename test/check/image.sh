#!/bin/bash
# Whether workers/container/Dockerfile builds, and whether its image serves: without Docker, by Debian's buildah.
#   sudo bash test/check/image.sh
# Needs Linux, root, Debian's apt, the npm registry, this checkout's `npm ci`, 6 GB of disk; takes about 5 minutes.
# It installs what is missing of buildah, debootstrap and curl, and leaves nothing else behind. PORT: one that is free.
#
# The base is a stand-in of Debian, Node and npm, so no registry of images is needed. What it can't tell: whether the
# tag in FROM exists, and what else lies in that image (it has an entry point of its own, which runs our command).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
dockerfile=workers/container/Dockerfile
image=localhost/container-under-check port=${PORT:-18080} work=${2-}

fail() { cat "$work/server" 2>/dev/null || true; printf 'FAIL  %s\n' "$*" && exit 1; }
ok() { printf 'ok    %s\n' "$*"; }
# The tools speak only when they fail.
quietly() { "$@" >"$work/log" 2>&1 || { tail -n 60 "$work/log" && fail "$*"; }; }

if [[ ${1-} != inside ]]; then
  # All else runs in namespaces of its own: with them end its processes and mounts, and one folder is left to remove.
  missing=()
  for tool in buildah debootstrap curl; do command -v "$tool" >/dev/null || missing+=("$tool"); done
  ((${#missing[@]} == 0)) || { apt-get update -qq && apt-get install -qq --no-install-recommends "${missing[@]}"; }
  # Not /tmp, which may be memory.
  work=$(mktemp --directory /var/tmp/check-image.XXXXXX)
  clean() {
    # The first process in there: `wait` returns when it and all others are gone.
    { kill -KILL "$(cat "/proc/$inside/task/$inside/children")" && wait "$inside"; } 2>/dev/null || true
    rm -rf --one-file-system "$work"
  }
  trap clean EXIT
  trap 'exit 1' HUP INT TERM
  unshare --mount --pid --fork --mount-proc bash test/check/image.sh inside "$work" &
  inside=$!
  wait "$inside"
  exit
fi

export TMPDIR=$work
# Neither images nor settings of this machine's own containers take part.
b() { buildah --storage-driver vfs --root "$work/storage" --runroot "$work/run" "$@"; }
inspect() { b inspect --type image --format "$1" "$image"; }

# 1. The stand-in.
base=$(awk '/^FROM/ { print $2; exit }' "$dockerfile")
node=node_modules/node/bin/node
version=$("$node" -p process.versions.node)
[[ $base == *":$version-bookworm-slim" ]] || fail "FROM is $base, package.json has $version"
root=$work/base
quietly debootstrap --variant=minbase bookworm "$root"
install -D "$node" "$root/usr/local/bin/node"
chroot "$root" useradd --create-home --uid 1000 node
quietly npm install --global --prefix "$root/usr/local" npm@11
# npm asks whom this machine asks and trusts whom it trusts, proxies among them (buildah passes their variables on).
trusted=/etc/ssl/certs/ca-certificates.crt
install -D -m 644 "$trusted" "$root$trusted"
printf 'registry=%s\ncafile=%s\n' "$(npm config get registry 2>/dev/null)" "$trusted" >"$root/usr/local/etc/npmrc"
scratch=$(b from scratch)
quietly b copy "$scratch" "$root" /
quietly b commit --rm "$scratch" "$base"
rm -rf "$root"
ok "a stand-in for $base: $(b images --format '{{.Size}}' "$base")"

# 2. The image.
export BUILDAH_ISOLATION=chroot
quietly b bud --pull-never --network host --format docker --tag "$image" --file "$dockerfile" .
ok "$dockerfile builds: $(b images --format '{{.Size}}' "$image")"

# 3. The server, as the image says, and as a host with `--read-only` would run it, which buildah cannot.
mapfile -t env < <(inspect '{{range .Docker.Config.Env}}{{println .}}{{end}}')
mapfile -t command < <(inspect '{{range .Docker.Config.Cmd}}{{println .}}{{end}}')
mapfile -t health < <(inspect '{{range .Docker.Config.Healthcheck.Test}}{{println .}}{{end}}')
user=$(inspect '{{.Docker.Config.User}}') folder=$(inspect '{{.Docker.Config.WorkingDir}}')
files=$(b mount "$(b from --pull-never "$image")")
uid=$(chroot "$files" id -u "$user") gid=$(chroot "$files" id -g "$user")
root=$work/root
mkdir "$root"
mount --options bind,ro "$files" "$root"
mount --types tmpfs --options "uid=$uid,gid=$gid" scratch "$root/scratch"
in_image=(unshare --pid --fork --mount-proc "--root=$root" "--wd=$folder"
  --setgid "$gid" --setuid "$uid" env --ignore-environment "${env[@]}" HOST=127.0.0.1 "PORT=$port")

[[ $uid == 1000 ]] || fail "it runs as user $uid"
# What it may not read, find complains of.
writable=$("${in_image[@]}" find / -path /proc -prune -o -type f,d -writable -print 2>/dev/null) || true
[[ $writable == /scratch ]] || fail "user $uid can write: $writable"
ok "user $uid can write to /scratch alone"
! "${in_image[@]}" "${health[@]:1}" 2>/dev/null || fail 'HEALTHCHECK is content without a server'

"${in_image[@]}" "${command[@]}" >"$work/server" 2>&1 &
unshare=$!
for ((tries = 0; ; tries++)); do
  models=$(curl --silent --fail "http://127.0.0.1:$port/health") || true
  [[ $models != *starter-320* || $models != *isnet-1024* ]] || break
  ((tries < 60)) && kill -0 "$unshare" || fail "/health says: $models"
  sleep 1
done
ok "/health: $models"
! grep -qi telemetry "$work/server" || fail 'ONNX Runtime has its telemetry on'
"${in_image[@]}" "${health[@]:1}" || fail 'HEALTHCHECK is not content'
ok 'HEALTHCHECK is content with the server, and not without'

options='format=png&output=cutout&bg=&crop=false&margin=0px&refine=decontaminate&quality=best'
curl --silent --show-error --fail --max-time 90 --header 'Content-Type: image/jpeg' --dump-header "$work/headers" \
  --output "$work/cut" --data-binary @test/fixtures/photos/flower.jpg \
  "http://127.0.0.1:$port/cut?$options" || fail 'no picture'
facts=$(grep -i '^x-cut-out-facts:' "$work/headers" | tr -d '\r') || fail 'the picture comes without facts'
[[ $facts == *'"isnet-1024"'* ]] || fail "the picture's model: $facts"
[[ $(head -c 8 "$work/cut" | od -An -tx1) == ' 89 50 4e 47 0d 0a 1a 0a' ]] || fail 'the picture is no PNG'
[[ $(tail -c 8 "$work/cut" | head -c 4) == IEND ]] || fail 'the picture is cut short'
ok "a picture: $(wc -c <"$work/cut") bytes of PNG, $facts"

SECONDS=0
kill -TERM "$(cat "/proc/$unshare/task/$unshare/children")"
code=0
wait "$unshare" || code=$?
((code == 0 && SECONDS <= 5)) || fail "SIGTERM: exit code $code after $SECONDS s"
[[ -z $(ls -A "$root/scratch") ]] || fail "left in /scratch: $(ls -A "$root/scratch")"
ok "SIGTERM ends it with exit code 0 after $SECONDS s, /scratch is empty"
