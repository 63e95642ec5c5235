"""In: the field engineer's phone. Out: registered sensors that are known to work; pages that go on without coverage."""

from api.field.routes import router

__all__ = ["router"]
