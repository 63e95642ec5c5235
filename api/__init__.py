"""In: HTTP. Out: what people and other systems see: API, live stream, pages."""
