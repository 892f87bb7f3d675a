#!/bin/sh
# Installs the client libraries that package-lock.json and requirements.txt name, here and nowhere else.
# Does nothing when they are there already.
set -eu
cd "$(dirname "$0")"

installed=.venv/requirements.installed
if ! cmp -s requirements.txt "$installed"; then
    echo "clients: setting up Python in .venv" >&2
    python3 -m venv --clear .venv
    .venv/bin/pip install --quiet --disable-pip-version-check --requirement requirements.txt
    cp requirements.txt "$installed"
fi

installed=node_modules/package-lock.installed
if ! cmp -s package-lock.json "$installed"; then
    echo "clients: setting up node_modules" >&2
    npm ci --silent
    cp package-lock.json "$installed"
fi
