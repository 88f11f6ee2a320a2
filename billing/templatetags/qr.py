"""QR codes in a page, without inline styles, which the policy forbids."""

import segno
from django import template
from django.utils.safestring import SafeString, mark_safe

register = template.Library()

QUIET_ZONE = 4  # modules of white around, as the standard wants


@register.filter
def qr_svg(content: str) -> SafeString:
    """Black on white whatever the colours of the page: cameras of old phones do not read it inverted."""
    code = segno.make(content, micro=False, error="m")
    # segno writes attributes of our choice and the modules as numbers; the content is not in it as text
    return mark_safe(
        code.svg_inline(border=QUIET_ZONE, dark="#000", light="#fff", omitsize=True, svgclass="qr", lineclass=None)
    )


@register.filter
def qr_png(content: str) -> str:
    """For browsers that do not know SVG: an address for an `img`."""
    return segno.make(content, micro=False, error="m").png_data_uri(scale=4, border=QUIET_ZONE)
