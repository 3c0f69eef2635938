#!/bin/sh
# Install what building, testing and the demo need on Debian 12 or Ubuntu, as root: only
# what is missing, and nothing at all (no network either) when all is there.
set -eu

# One line each: a program to look for, and the packages that bring it.
wanted='
systemd-nspawn	systemd-container
mmdebstrap	mmdebstrap
ip	iproute2
nft	nftables
nsenter	util-linux
ssh	openssh-client
/usr/sbin/sshd	openssh-server
clush	clustershell
memcached	memcached
jq	jq
/usr/bin/time	time
/usr/bin/aws	awscli
curl	curl
/usr/bin/aiosmtpd	python3-aiosmtpd
git	git
make	make
gcc	gcc libc6-dev
gpg	gpg gpg-agent
dpkg-scanpackages	dpkg-dev
'

missing=$(printf '%s' "$wanted" | while IFS="$(printf '\t')" read -r program package; do
	[ -z "$program" ] || command -v "$program" >/dev/null 2>&1 || printf '%s ' "$package"
done)
[ -e /usr/share/keyrings/debian-archive-keyring.gpg ] || missing="$missing debian-archive-keyring"
[ -n "$missing" ] || exit 0

command -v apt-get >/dev/null || { echo "deps.sh: needs Debian or Ubuntu; missing: $missing" >&2; exit 1; }
[ "$(id -u)" = 0 ] || { echo "deps.sh: run as root: apt-get install -y --no-install-recommends $missing" >&2; exit 1; }

echo "deps.sh: installing $missing" >&2
log=$(mktemp)
trap 'rm -f "$log"' EXIT

# Packages must not start servers on this host, whose ports tests and others may use.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
	trap 'rm -f "$log" "$policy"' EXIT
	printf '#!/bin/sh\nexit 101\n' >"$policy"
	chmod 755 "$policy"
fi

export DEBIAN_FRONTEND=noninteractive
# shellcheck disable=SC2086 # a list of words
{
	apt-get update && apt-get install -y --no-install-recommends $missing
} >"$log" 2>&1 || { tail -n 20 "$log" >&2; exit 1; }
