"""In: a Release. Out: bytes of one file in a format that somebody asks for. One file here is one format, found by its folder."""
