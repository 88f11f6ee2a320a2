"""The term of a promised payment as people say it."""

from django import template

from billing import promise_terms

register = template.Library()
register.filter("last_day", promise_terms.last_day)
