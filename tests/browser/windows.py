"""Browser windows that notice what a page must never do."""

from dataclasses import dataclass, field
from urllib.parse import urlsplit

from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, Request, Response


LOCALES = {"fr": "fr-FR", "en": "en-GB"}
WAIT_MILLISECONDS = 60_000
"""Longest wait of a page, or of what a test expects there: far more than anything takes."""
POLICY = ("default-src 'none'", "script-src 'self'", "style-src 'self'", "frame-ancestors 'none'")
"""Of every page; the widget alone is framed, by whom tests of its own say."""


@dataclass
class Windows:
    """Opens pages of a site; `faults` holds what went wrong in any of them."""

    browser: Browser
    url: str
    faults: list[str] = field(default_factory=list)
    network_may_fail: bool = False
    """For tests that cut the network, or ask for what is not there."""
    contexts: list[BrowserContext] = field(default_factory=list)
    hosts: set[str | None] = field(default_factory=set)
    """Who may be asked for anything."""

    async def open(
        self, path: str, *, language: str = "fr", script: bool = True, width_pixels: int = 1280,
        url: str | None = None,
    ) -> Page:
        """Open a page for somebody new: a browser without cookies.

        Another `url` may be of a proxy with a certificate of its own.
        """
        self.hosts.add(urlsplit(url or self.url).hostname)
        context = await self.browser.new_context(
            base_url=url or self.url, ignore_https_errors=url is not None,
            locale=LOCALES[language], java_script_enabled=script,
            viewport={"width": width_pixels, "height": 800})
        context.set_default_timeout(WAIT_MILLISECONDS)
        self.contexts.append(context)
        return await self.beside(context, path)

    async def beside(self, context: BrowserContext, path: str) -> Page:
        """Open a page in another tab of the same browser."""
        page = await context.new_page()
        page.on("console", self._said)
        page.on("pageerror", lambda error: self.faults.append(f"script: {error}"))
        page.on("request", self._asked)
        page.on("response", self._answered)
        await page.goto(path)
        return page

    def _said(self, message: ConsoleMessage) -> None:
        failed = message.text.startswith("Failed to load resource")
        if message.type in ("error", "warning") and not (failed and self.network_may_fail):
            self.faults.append(f"console: {message.text}")

    def _asked(self, request: Request) -> None:
        if urlsplit(request.url).hostname not in self.hosts:
            self.faults.append(f"third party: {request.url}")

    def _answered(self, response: Response) -> None:
        if response.request.resource_type != "document" or 300 <= response.status < 400:
            return
        policy = response.headers.get("content-security-policy", "")
        wanted = POLICY[:-1] if "/widget/" in response.url else POLICY
        if "unsafe" in policy or not all(rule in policy for rule in wanted):
            self.faults.append(f"policy of {response.url}: {policy!r}")

    async def close(self) -> None:
        for context in self.contexts:
            await context.close()
