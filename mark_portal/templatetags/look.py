"""What templates need to draw the portal's face."""

import re

from django import template
from django.template.context import Context
from django.templatetags.static import static
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

register = template.Library()


@register.simple_tag(takes_context=True)
def icon(context: Context, name: str) -> SafeString | str:
    """A picture from static/img/icons.svg beside a text that says the same; the old version has none."""
    if context.get("is_bare"):
        return ""
    return format_html('<svg class="icon" aria-hidden="true"><use href="{}#{}"/></svg>', static("img/icons.svg"), name)


@register.simple_tag(takes_context=True)
def current(context: Context, address: str, below: bool = False) -> SafeString | str:
    """Marks a navigation link whose page is open; with `below` also when a page under it is."""
    path = context["request"].path if "request" in context else ""
    is_here = path == address or (below and path.startswith(address))
    return format_html(' aria-current="{}"', "page") if is_here else ""


@register.simple_tag(takes_context=True)
def current_in(context: Context, app: str) -> SafeString | str:
    """Marks the cabinet's link to the pages of an app while one of them is open."""
    request = context.get("request")
    if not request or not request.resolver_match:
        return ""
    is_here = request.resolver_match.app_name == app and request.path.startswith("/cabinet/")
    return format_html(' aria-current="{}"', "page") if is_here else ""


@register.filter
def tel(phone: str) -> str:
    """«+7 (3412) 918-111» as the address of a call."""
    return "tel:" + re.sub(r"[^+\d]", "", phone)


# In this order: every browser calls itself by the names of those it descends from.
BROWSERS = {"YaBrowser": "Яндекс", "Edg": "Edge", "OPR": "Opera", "Firefox": "Firefox", "FxiOS": "Firefox"}
BROWSERS |= {"SamsungBrowser": "Samsung", "Chrome": "Chrome", "CriOS": "Chrome", "Safari": "Safari", "Trident": "IE"}
BROWSERS |= {"MSIE": "IE", "w3m": "w3m", "Lynx": "Lynx"}
SYSTEMS = {"iPhone": "iPhone", "iPad": "iPad", "Android": "Android", "Windows": "Windows", "Mac OS X": "macOS"}
SYSTEMS |= {"CrOS": "ChromeOS", "Linux": "Linux"}


@register.filter
def device(user_agent: str) -> str:
    """A browser's long name in two words: «Chrome, Windows»."""
    found = [next((name for mark, name in names.items() if mark in user_agent), None) for names in (BROWSERS, SYSTEMS)]
    return ", ".join(filter(None, found)) or _("Unknown browser")
