"""What InfluxDB 2 needs before the first write: bucket, retention, the mapping InfluxQL goes through, and a token that can do no more."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import influxdb_client
from influxdb_client.client.exceptions import InfluxDBError
from urllib3.exceptions import HTTPError

from core.errors import ConfigError, StoreUnavailable

_api: Any = influxdb_client  # its annotations are incomplete
_RETENTION_POLICY = "autogen"
_OURS = "Mjøsa: readings"


@dataclass(frozen=True, slots=True)
class Prepared:
    """What setting up found or made. `token` is the new token's secret, shown once; None where one was there already."""

    bucket_id: str
    made_bucket: bool
    made_mapping: bool
    token: str | None


def set_up(url: str, admin_token: str, org: str, bucket: str, retention_days: int | None = None, *, make_token: bool = True) -> Prepared:
    """Create what is missing; running it again changes only the retention. `retention_days` None: keep for ever.

    Raises ConfigError when the organisation is not there or the token may not do this, StoreUnavailable when nobody answers.
    """
    try:
        with _api.InfluxDBClient(url=url, token=admin_token, org=org) as client:
            return _set_up(client, org, bucket, retention_days, make_token)
    except InfluxDBError as error:
        raise ConfigError([f"InfluxDB at {url} refused to be set up: {error.message}; use an operator or all-access token"]) from error
    except (HTTPError, OSError) as error:
        raise StoreUnavailable(f"InfluxDB at {url} does not answer: {error}") from error


def _set_up(client: Any, org: str, bucket: str, retention_days: int | None, make_token: bool) -> Prepared:
    found = client.organizations_api().find_organizations(org=org)
    if not found:
        raise ConfigError([f"MJOSA_INFLUX_ORG: InfluxDB has no organisation '{org}'"])
    org_id, seconds = found[0].id, 0 if retention_days is None else retention_days * 86_400
    rules = [_api.BucketRetentionRules(type="expire", every_seconds=seconds)]
    buckets = client.buckets_api()
    there = buckets.find_bucket_by_name(bucket)
    if there is None:
        kept = buckets.create_bucket(bucket_name=bucket, org_id=org_id, retention_rules=rules)
    else:
        there.retention_rules = rules
        kept = buckets.update_bucket(there)
    mappings = _api.DBRPsService(client.api_client)
    mapped = mappings.get_dbr_ps(org_id=org_id, db=bucket, bucket_id=kept.id).content
    if not mapped:
        mapping = _api.DBRPCreate(org_id=org_id, bucket_id=kept.id, database=bucket, retention_policy=_RETENTION_POLICY, default=True)
        mappings.post_dbrp(dbrp_create=mapping)
    return Prepared(kept.id, there is None, not mapped, _token(client, org_id, kept.id) if make_token else None)


def _token(client: Any, org_id: str, bucket_id: str) -> str | None:
    """A token that reads and writes this bucket and nothing else; None where ours is there."""
    authorizations = client.authorizations_api()
    description = f"{_OURS} {bucket_id}"
    if any(a.description == description for a in authorizations.find_authorizations(org_id=org_id)):
        return None
    resource = _api.PermissionResource(type="buckets", id=bucket_id, org_id=org_id)
    permissions = [_api.Permission(action=action, resource=resource) for action in ("read", "write")]
    made = authorizations.create_authorization(
        authorization=_api.Authorization(org_id=org_id, permissions=permissions, description=description)
    )
    return str(made.token)
