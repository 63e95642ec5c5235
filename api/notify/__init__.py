"""Notifications: from an alarm to a message that left at least once."""
