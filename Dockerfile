# Two stages: wheels are installed with their hashes checked; the image that runs holds Python, Mjøsa and nothing to build with.
FROM python:3.12.11-slim-bookworm AS build
ARG LOCK=requirements.lock
WORKDIR /app
COPY ${LOCK} lock.txt
RUN python -m venv /opt/mjosa && /opt/mjosa/bin/pip install --no-cache-dir --disable-pip-version-check --require-hashes -r lock.txt

FROM python:3.12.11-slim-bookworm
ENV PATH=/opt/mjosa/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
RUN useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin mjosa && mkdir /data && chown mjosa /data
COPY --from=build /opt/mjosa /opt/mjosa
WORKDIR /app
COPY mjosa.py ./
COPY core core
COPY gateway gateway
COPY ingest ingest
COPY analytics analytics
COPY api api
COPY simulators simulators
COPY dashboards dashboards
USER mjosa
VOLUME /data
ENTRYPOINT ["python", "mjosa.py"]
CMD ["serve"]
