"""Who asks, and what may they do: sign-in, sessions, keys, rights, headers, limits, audit."""
