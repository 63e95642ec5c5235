"""In: what Mjøsa writes to InfluxDB. Out: Grafana's boards, as code: one file a board, JSON in both languages beside it."""
