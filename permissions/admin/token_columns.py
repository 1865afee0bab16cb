"""What lists and pages show of a token."""

from django.utils import timezone
from django.utils.safestring import SafeString

from audit.admin.theme import display, moment
from permissions.models import ApiToken


class TokenColumns:
    """The columns of the list of tokens, which the page of one shows as well."""

    @display(description="state", label={"valid": "success", "expired": "warning"})
    def status(self, token: ApiToken) -> str:
        """Return whether the token can be used."""
        if token.revoked_at:
            return "revoked"
        return "expired" if token.expires_at and token.expires_at <= timezone.now() else "valid"

    @display(description="owner")
    def owner_name(self, token: ApiToken) -> str:
        """Return whose token it is."""
        return token.owner.get_username()

    @display(description="scopes")
    def shown_scopes(self, token: ApiToken) -> str:
        """Return what the token may be used for."""
        return ", ".join(token.scopes)

    @display(description="networks")
    def shown_networks(self, token: ApiToken) -> str:
        """Return from where the token may be used."""
        return ", ".join(token.networks) or "everywhere"

    @display(description="expires")
    def expiry(self, token: ApiToken) -> SafeString | str:
        """Return when the token ends by itself."""
        return moment(token.expires_at) if token.expires_at else "never"

    @display(description="last used")
    def last_use(self, token: ApiToken) -> SafeString | str:
        """Return when the token was last used, to within a few minutes."""
        return moment(token.last_used_at) if token.last_used_at else "never"

    @display(description="created")
    def made_at(self, token: ApiToken) -> SafeString:
        """Return when the token was made."""
        return moment(token.created_at)

    @display(description="revoked")
    def ended_at(self, token: ApiToken) -> SafeString | str:
        """Return when the token was revoked."""
        return moment(token.revoked_at) if token.revoked_at else "no"

    @display(description="ends in")
    def ending(self, token: ApiToken) -> str:
        """Return the last characters, by which an owner tells tokens apart."""
        return f"…{token.hint}"
