"""The routes, one file per noun. Each route names the right it needs."""
