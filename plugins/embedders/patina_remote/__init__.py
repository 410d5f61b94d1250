"""Embeds at any endpoint that speaks OpenAI's interface: another Patina, a fleet of them, or a service."""
