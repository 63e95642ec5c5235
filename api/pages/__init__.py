"""The pages people look at: a small server-written shell, plain ES modules, no library and nothing from the internet."""
