"""What both faces (`mobile_api`, `web_api`) share of HTTP: contracts of operations and problem documents.

The only part of the core that knows a request, and it knows no route.
"""
