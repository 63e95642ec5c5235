"""The pages people look at: a small server-written shell, plain ES modules, no library and nothing from the internet."""

from api.pages.routes import router, static

__all__ = ["router", "static"]
