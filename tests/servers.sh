#!/bin/sh
# Installs from apt the servers and the browser that tests start on loopback, where they are missing.
missing=""
command -v mosquitto >/dev/null || missing="$missing mosquitto"
command -v influxd >/dev/null || missing="$missing influxdb"
command -v redis-server >/dev/null || missing="$missing redis-server"
command -v chromium >/dev/null || missing="$missing chromium fonts-dejavu-core"
ls /usr/lib/postgresql/*/bin/postgres >/dev/null 2>&1 || missing="$missing postgresql"
[ -z "$missing" ] && exit 0
if ! command -v apt-get >/dev/null || [ "$(id -u)" != 0 ]; then
  echo "The tests need:$missing. Install them (on Debian, as root: apt-get install$missing) and run make test again." >&2
  exit 1
fi
export DEBIAN_FRONTEND=noninteractive
mkdir -p /etc/apt && apt-get update -qq && apt-get install -y -qq --no-install-recommends $missing >/dev/null
