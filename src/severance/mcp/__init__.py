"""A persona for agents that speak the Model Context Protocol. Only here is the library `mcp` imported (extra `mcp`).

A server of this package is one session: one persona, awake since before the model's first word. What a model can write
(tools, arguments, addresses of resources, prompts) names neither a subject nor a persona nor a place.
"""
