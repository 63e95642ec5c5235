"""Settings from `MJOSA_*` variables and an optional `mjosa.toml`; the environment wins. Nothing else differs between the ways to run."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

from pydantic import AnyHttpUrl, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

from core.errors import ConfigError


class Settings(BaseSettings):
    """Every setting, with its default for the embedded way to run. `MJOSA_MQTT_URL=…` sets `mqtt_url`."""

    model_config = SettingsConfigDict(
        env_prefix="MJOSA_", toml_file=os.environ.get("MJOSA_CONFIG", "mjosa.toml"), extra="forbid",
        use_attribute_docstrings=True,
    )  # fmt: skip

    data_dir: Path = Path("data")
    """Where the uplink log, the embedded stores and secrets are kept."""
    town_file: Path | None = None
    """town.yaml to fill an empty registry from; None: the simulated town."""
    language: Literal["nb", "en"] = "nb"
    """Of pages, notifications and reports."""

    host: str = "127.0.0.1"
    """Where pages and API listen; beyond 127.0.0.1 a session secret is demanded."""
    port: int = Field(8080, ge=1, le=65535)
    """Of pages and API."""
    public_url: AnyHttpUrl | None = None
    """How people reach this installation, for links in notifications."""
    tls_certificate: Path | None = None
    """PEM file; together with tls_key."""
    tls_key: Path | None = None
    session_secret: SecretStr | None = None
    """Signs sign-in cookies; made and kept in data_dir when not given (required beyond loopback)."""

    mqtt_url: str | None = None
    """mqtt[s]://host:port or ws[s]://host/path; None: the embedded broker."""
    mqtt_port: int = Field(1883, ge=1, le=65535)
    """Of the embedded broker, on loopback."""
    mqtt_client_id: str = "mjosa-ingest"
    """Fixed, so that the broker keeps the session of an absent worker."""
    mqtt_username: str | None = None
    mqtt_password: SecretStr | None = None
    mqtt_ca: Path | None = None
    mqtt_certificate: Path | None = None
    mqtt_key: Path | None = None
    mqtt_protocol: Literal["5", "3.1.1"] = "5"
    mqtt_shared_group: str | None = None
    """Share the subscription with other workers of this group."""

    store_url: str = "duckdb:"
    """duckdb: (a file in data_dir), or influxdb://host:8086, influxdbs://host for TLS."""
    influx_token: SecretStr | None = None
    """Reads and writes the one bucket, nothing else."""
    influx_org: str = "mjosa"
    influx_bucket: str = "mjosa"
    database_url: SecretStr | None = None
    """Registry, alarms, users, audit: postgresql+psycopg://…; None: SQLite in data_dir."""

    chirpstack_url: str | None = None
    """host:port of ChirpStack's gRPC API; None: the stand-in network server."""
    chirpstack_token: SecretStr | None = None
    """An API key of ChirpStack."""
    chirpstack_tenant: str = "mjosa"
    """The tenant that holds applications, devices and base stations."""

    grafana_url: str | None = None
    """A Grafana to push the boards to (`mjosa dashboards push`); the stack's own gets them as files."""
    grafana_token: SecretStr | None = None

    smtp_url: SecretStr | None = None
    """Mail server for notifications: smtp://user:password@host:587?sender=mjosa@host, or smtps://; none: no e-mail."""
    oidc_issuer: str | None = None
    """OpenID Connect provider; with it come client id, secret, and which of its groups have which role."""
    oidc_client_id: str = ""
    oidc_client_secret: SecretStr | None = None
    oidc_roles: str = ""
    """Such as va-drift=operator; va-ledelse=operator,reporter."""
    oidc_groups_claim: str = "groups"

    simulate: bool = True
    """Play the simulated town on the embedded broker."""
    seed: int = 1
    """Of the simulated town."""
    scale: float = Field(0.04, gt=0, le=1)
    """Share of the simulated town's 13,000 meters."""
    history_days: int = Field(60, ge=1, le=730)
    """How far back the simulated town's history goes."""
    speed: float = Field(1.0, gt=0)
    """Simulated seconds per second in live mode."""

    analyse_every_s: float = Field(60.0, gt=0)
    """Seconds between rounds of analysis."""
    log_retention_days: int = Field(400, ge=1)
    """Raw uplinks hold household readings too: no longer than those."""
    free_space_mb: int = Field(500, ge=1)
    """Below this much free disk, ingest stops acknowledging."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """Of the log on stderr."""
    log_format: Literal["console", "json"] = "console"

    @model_validator(mode="after")
    def _pairs(self) -> Settings:
        if (self.tls_certificate is None) != (self.tls_key is None):
            raise ValueError("tls_certificate and tls_key go together: set both or neither")
        if self.oidc_issuer is not None and not (self.oidc_client_id and self.oidc_client_secret and self.oidc_roles):
            raise ValueError("oidc_issuer needs oidc_client_id, oidc_client_secret and oidc_roles")
        if self.store_url.startswith("influx") and self.influx_token is None:
            raise ValueError("an InfluxDB store needs MJOSA_INFLUX_TOKEN")
        if self.host not in ("127.0.0.1", "localhost", "::1") and self.session_secret is None:
            raise ValueError(f"listening on {self.host} is beyond this machine: set MJOSA_SESSION_SECRET (or _FILE) to a long random text")
        return self

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls)


def load_settings(**overrides: object) -> Settings:
    """Settings, or a ConfigError with every mistake. `MJOSA_X_FILE=path` reads a secret X from a file."""
    overrides = {**_secrets_from_files(), **overrides}
    unknown = [f"{key}: no such setting" for key in _variables() if key.removeprefix("MJOSA_").lower() not in Settings.model_fields]
    try:
        settings = Settings(**overrides)  # type: ignore[arg-type]
    except ValidationError as error:
        problems = [f"MJOSA_{'_'.join(map(str, e['loc'])).upper()}: {e['msg'].removeprefix('Value error, ')}".replace("MJOSA_: ", "")
                    for e in error.errors()]  # fmt: skip
        raise ConfigError([*problems, *unknown]) from error
    if unknown:
        raise ConfigError(unknown)
    return settings


def _variables() -> list[str]:
    known = {"MJOSA_CONFIG"}
    return sorted(
        k for k in os.environ if k.startswith("MJOSA_") and not k.startswith("MJOSA_TEST_") and not k.endswith("_FILE") and k not in known
    )


def _secrets_from_files() -> dict[str, str]:
    secrets = {}
    for key, path in os.environ.items():
        name = key.removeprefix("MJOSA_").removesuffix("_FILE").lower()
        if key.startswith("MJOSA_") and key.endswith("_FILE") and name in Settings.model_fields:
            try:
                secrets[name] = Path(path).read_text().strip()
            except OSError as error:
                raise ConfigError([f"{key}: cannot read {path} ({error.strerror})"]) from error
    return secrets
