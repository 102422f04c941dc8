"""What the features' ``api.py`` stand on: roles, bodies, fields, one transaction per request.

Knows no feature.
"""
