#!/bin/sh
# How a CI job in any language uses the workbench: fixture, load, ask the product, compare, report.
# Needs the workbench on the PATH, or its place in WORKBENCH. Writes into the directory given, build/ without one.
set -eu
here=$(dirname "$0")
workbench=${WORKBENCH:-workbench}
python=${PYTHON:-python3}
build=${1:-build}

mkdir -p "$build/answers/acme"
"$workbench" fixture --catalogue --only external-only -o "$build/catalogue" -q
fixture=$build/catalogue/external-only

# Load the product's database: here SQLite; for PostgreSQL, psql -v ON_ERROR_STOP=1 -f "$fixture/sql/postgresql.sql".
"$python" -c 'import sqlite3, sys; sqlite3.connect(sys.argv[1]).executescript(open(sys.argv[2]).read())' "$build/product.sqlite" "$fixture/sql/sqlite.sql"

# Ask the product; its answers get the names of the expected files.
"$python" "$here/product.py" "$build/product.sqlite" acme 7d 2026-03-09T00:00:00Z > "$build/answers/acme/external-7d.json"

# One dashboard, in the forms that CI systems show: exit status 1 fails the job.
"$workbench" compare "$fixture/dashboard/acme/external-7d.json" "$build/answers/acme/external-7d.json" \
  --tolerances "$here/tolerances.yaml" --junit "$build/report.xml" --github
