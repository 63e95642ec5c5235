#!/bin/sh
# Runs once, when PostgreSQL's volume is empty: one database and one owner each for ChirpStack and Mjøsa, closed to the other.
set -eu
psql -v ON_ERROR_STOP=1 --username "$POSTGRES_USER" <<SQL
create role chirpstack with login password '$CHIRPSTACK_POSTGRES_PASSWORD';
create database chirpstack owner chirpstack;
create role mjosa with login password '$MJOSA_POSTGRES_PASSWORD';
create database mjosa owner mjosa;
revoke connect on database chirpstack, mjosa from public;
\c chirpstack
create extension if not exists pg_trgm;
create extension if not exists hstore;
SQL
