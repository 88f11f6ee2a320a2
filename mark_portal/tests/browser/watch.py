"""What a browser had to complain about while a test drove it: the test fails by it unless it said what is to come."""

import re

# Words of ours, so that they are told from the browser's own in the console.
TELL_VIOLATIONS = """
document.addEventListener("securitypolicyviolation", (event) =>
  console.error(`CSP: ${event.effectiveDirective} ${event.blockedURI} ${event.sourceFile}:${event.lineNumber}`));
"""


class Watch:
    def __init__(self, portal):
        self.portal = portal
        self._complaints = []
        self._expected = []

    def over(self, context):
        context.add_init_script(TELL_VIOLATIONS)
        context.on("console", self._console)
        context.on("weberror", lambda error: self._complaints.append(f"script: {error.error}"))
        context.on("request", self._request)
        context.on("requestfailed", self._failed)

    def expect(self, *patterns):
        """This test makes the browser complain of that: «status of 422»."""
        self._expected += patterns

    def complaints(self):
        faults = [f"{answer['status']}: {answer['path']}" for answer in self.portal.answers() if answer["status"] > 499]
        said = [complaint for complaint in self._complaints if not self._is_expected(complaint)]
        return said + faults

    def _is_expected(self, complaint):
        return any(re.search(pattern, complaint) for pattern in self._expected)

    def _console(self, message):
        if message.type in ("error", "warning"):
            self._complaints.append(f"console: {message.text} ({message.location.get('url')})")

    def _request(self, request):
        if not request.url.startswith((self.portal.url, "data:", "blob:")):
            self._complaints.append(f"third party: {request.url}")

    def _failed(self, request):
        if request.failure != "net::ERR_ABORTED":  # the page was left before the answer, as streams always are
            self._complaints.append(f"failed: {request.url} {request.failure}")
