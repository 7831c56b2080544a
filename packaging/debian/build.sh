#!/usr/bin/env bash
# Makes evenkeel_VERSION_ARCH.deb, with a Node of its own: Debian 12 has one that is older than evenkeel needs.
#
#   packaging/debian/build.sh [FOLDER]       into FOLDER, or else here
#
# Environment: NODE, the program of Node that goes into it (default: the newest of NODE_MAJOR, from npm's registry); VERSION, the Debian version
# (default: that of package.json); LEVEL, how hard it is compressed, 1 to 9 (default 6); 0: not at all.
set -euo pipefail
cd "$(dirname "$0")/../.."
here=packaging/debian
target=$(realpath "${1:-.}")
NODE_MAJOR=24
KOFFI_ARCH=$(node -p process.arch)
version=${VERSION:-$(node -p 'require("./package.json").version')-1}
architecture=$(dpkg --print-architecture)
date=$(date -Ru --date="@${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}")

root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
chmod 755 "$root"
umask 022
lib=$root/usr/lib/evenkeel
doc=$root/usr/share/doc/evenkeel

[ -e dist/program/main.js ] || npm run --silent build
if [ -z "${NODE:-}" ]; then
  npm install --silent --prefix "$root/npm" "node-linux-$KOFFI_ARCH@$NODE_MAJOR"
  NODE=$root/npm/node_modules/node-linux-$KOFFI_ARCH/bin/node
fi

# The program, what it loads, and what it runs on. `strip` leaves the symbols by which OpenSSL is found in it.
install -d "$lib/bin" "$lib/node_modules/koffi/src" "$lib/node_modules/@koromix/koffi-linux-$KOFFI_ARCH"
install -m 755 "$NODE" "$lib/bin/node"
strip --strip-unneeded "$lib/bin/node"
sed '1s|.*|#!/usr/lib/evenkeel/bin/node|' bin/evenkeel > "$lib/bin/evenkeel"
chmod 755 "$lib/bin/evenkeel"
install -d "$lib/dist"
cp -r dist/program dist/dashboard "$lib/dist/"
node -e 'const { name, version, type, license } = require("./package.json"); console.log(JSON.stringify({ name, version, type, license }))' > "$lib/package.json"
(cd node_modules/koffi && find package.json index.js src -name "*.js*" -exec cp --parents {} "$lib/node_modules/koffi/" \;)
(cd "node_modules/@koromix/koffi-linux-$KOFFI_ARCH" \
  && cp --parents package.json index.js "linux_$KOFFI_ARCH/koffi.node" "$lib/node_modules/@koromix/koffi-linux-$KOFFI_ARCH/")
find "$lib/node_modules" -name '*.node' -exec strip --strip-unneeded '{}' +
rm -rf "$root/npm"
install -d "$root/usr/bin"
ln -s ../lib/evenkeel/bin/evenkeel "$root/usr/bin/evenkeel"

# What systemd, shells and people need.
install -d "$root/usr/lib/systemd/system" "$root/usr/lib/sysusers.d" "$root/etc/evenkeel" "$doc"
for unit in packaging/systemd/*.service; do
  sed -e 's|/usr/bin/env evenkeel|/usr/bin/evenkeel|' \
    -e 's|^Documentation=.*|Documentation=man:evenkeel(8) file:///usr/share/doc/evenkeel/docs/README.md|' \
    "$unit" > "$root/usr/lib/systemd/system/$(basename "$unit")"
done
install -d "$root/var/log/evenkeel" "$root/etc/logrotate.d"
install -m 644 $here/logrotate "$root/etc/logrotate.d/evenkeel"
install -m 644 packaging/sysusers.conf "$root/usr/lib/sysusers.d/evenkeel.conf"
install -d "$root/usr/share/man/man8" "$root/usr/share/bash-completion/completions" "$root/usr/share/zsh/vendor-completions"
node dist/src/cli/print-man-page.js | gzip -9n > "$root/usr/share/man/man8/evenkeel.8.gz"
node bin/evenkeel completion bash > "$root/usr/share/bash-completion/completions/evenkeel"
node bin/evenkeel completion zsh > "$root/usr/share/zsh/vendor-completions/_evenkeel"
cp -r docs examples "$doc/"
gzip -9n < CHANGELOG.md > "$doc/changelog.gz"
cat $here/copyright > "$doc/copyright"
gzip -9n > "$doc/changelog.Debian.gz" <<END
evenkeel ($version) unstable; urgency=medium

  * As changelog.gz says.

 -- The evenkeel authors <maintainers@evenkeel.example>  $date
END
install -d "$root/usr/share/lintian/overrides"
install -m 644 $here/lintian-overrides "$root/usr/share/lintian/overrides/evenkeel"

install -d "$root/DEBIAN"
echo /etc/logrotate.d/evenkeel > "$root/DEBIAN/conffiles"
for script in postinst prerm postrm; do install -m 755 $here/$script "$root/DEBIAN/"; done
sed -e "s/@VERSION@/$version/" -e "s/@ARCHITECTURE@/$architecture/" \
  -e "s/@SIZE@/$(du -sk --exclude=DEBIAN "$root" | cut -f1)/" $here/control > "$root/DEBIAN/control"
(cd "$root" && find . -path ./DEBIAN -prune -o -type f -printf '%P\0' | sort -z | xargs -0 md5sum > DEBIAN/md5sums)

compression=(-Zxz "-z${LEVEL:-6}")
if [ "${LEVEL:-6}" = 0 ]; then compression=(-Znone); fi
dpkg-deb --root-owner-group "${compression[@]}" --build "$root" "$target/evenkeel_${version}_$architecture.deb"
