"""What the routes of users take and give."""

import datetime as dt
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from otolith.accounts.links.service import Handed
from otolith.accounts.models import AccountLink, LinkKind
from otolith.accounts.passwords import LONGEST_PASSWORD
from otolith.core.actor import ServerRole, WorkspaceRole
from otolith.core.texts import ShortLine, plain

Language = Literal["en", "fr"]
Called = Annotated[str, StringConstraints(strip_whitespace=True, max_length=200), AfterValidator(plain)]
_PASSWORD = Field(min_length=1, max_length=LONGEST_PASSWORD, description="The new password.", repr=False)
_EMAIL = "An e-mail address."


class UserOut(BaseModel):
    """A user, as administrators see them."""

    model_config = ConfigDict(from_attributes=True, populate_by_name=True)

    id: UUID = Field(description="The user's id, which is never used again.")
    username: str = Field(validation_alias="name", description="The user name.")
    display_name: str = Field(description="What the user wants to be called.")
    email: str | None = Field(description=_EMAIL)
    role: ServerRole = Field(description="What the user may do on the server.")
    active: bool = Field(description="Whether the user may sign in.")
    created_at: dt.datetime = Field(description="When the user was made.")
    signed_in_at: dt.datetime | None = Field(description="When the user last signed in; null: never.")


class UserIn(BaseModel):
    """A user to be made."""

    username: ShortLine = Field(description="The user name.")
    password: str | None = Field(
        default=None,
        min_length=1,
        max_length=LONGEST_PASSWORD,
        description="The password; null: the user chooses it by a link.",
        repr=False,
    )
    email: str | None = Field(default=None, max_length=320, description=_EMAIL)
    display_name: Called = Field(default="", description="What the user wants to be called.")
    role: ServerRole = Field(default="user", description="What the user may do on the server.")


class UserChange(BaseModel):
    """What to change of a user; what is left out stays."""

    model_config = ConfigDict(extra="forbid")

    username: ShortLine = Field(default="", description="The user name.")
    email: str | None = Field(default=None, max_length=320, description="An e-mail address; null: none.")
    display_name: Called = Field(default="", description="What the user wants to be called.")
    role: ServerRole = Field(default="user", description="What the user may do on the server.")
    active: bool = Field(default=True, description="Whether the user may sign in; if not, all that they hold ends.")


class InvitationIn(BaseModel):
    """An invitation to be made."""

    email: str | None = Field(default=None, max_length=320, description="Where to send it; null: you hand it on.")
    role: ServerRole = Field(default="user", description="What the user is to be on the server.")
    workspace_id: UUID | None = Field(default=None, description="The workspace that the user is to be a member of.")
    workspace_role: WorkspaceRole = Field(default="viewer", description="What the user is to be in it.")
    language: Language = Field(default="en", description="The language of the mail.")


class LinkOut(BaseModel):
    """A link that works once and for a while."""

    id: UUID = Field(description="Its id.")
    email: str = Field(description="Where it was sent; empty: to nobody.")
    role: ServerRole | None = Field(description="What whoever follows it is to be on the server.")
    created_at: dt.datetime = Field(description="When it was made.")
    expires_at: dt.datetime = Field(description="When it stops working.")
    sent_at: dt.datetime | None = Field(description="When it was sent; null: not yet, or not by mail.")

    @classmethod
    def of(cls, link: AccountLink) -> "LinkOut":
        return cls(
            id=link.id,
            email=link.address,
            role=link.role,
            created_at=link.created_at,
            expires_at=link.expires_at,
            sent_at=link.sent_at,
        )


class HandedOut(LinkOut):
    """A link that was just made."""

    link: str | None = Field(description="Its address, shown this once, to be handed on; null: it goes by mail.")

    @classmethod
    def handed(cls, made: Handed) -> "HandedOut":
        return cls(**LinkOut.of(made.link).model_dump(), link=made.address)


class InvitationsOut(BaseModel):
    """Invitations that nobody has accepted yet."""

    items: list[LinkOut] = Field(description="The invitations, newest first.")
    total: int = Field(description="How many there are.")


class LinkRequest(BaseModel):
    """How the link is to reach the user."""

    by_mail: bool = Field(default=True, description="Whether to send it, where that can be done.")
    language: Language = Field(default="en", description="The language of the mail.")


class ProfileChange(BaseModel):
    """What to change of yourself."""

    display_name: Called = Field(description="What you want to be called.")


class PasswordChange(BaseModel):
    """A new password of yours."""

    current: str = Field(max_length=LONGEST_PASSWORD, description="The present password.", repr=False)
    password: str = _PASSWORD


class AddressChange(BaseModel):
    """A new e-mail address of yours."""

    current: str = Field(max_length=LONGEST_PASSWORD, description="The present password.", repr=False)
    email: str = Field(max_length=320, description="The new address.")


class Proof(BaseModel):
    """That it is you."""

    current: str = Field(max_length=LONGEST_PASSWORD, description="The present password.", repr=False)


class CodeProof(BaseModel):
    """That the app works."""

    code: str = Field(min_length=1, max_length=20, description="A code of the app.", repr=False)


class GeneratorOut(BaseModel):
    """What an app makes codes from, shown this once."""

    secret: str = Field(description="In Base32, to be typed.")
    address: str = Field(description="As an `otpauth:` address, to be read from a picture.")


class RecoveryCodesOut(BaseModel):
    """Codes for when the app is lost, each for once; shown this once."""

    codes: list[str] = Field(description="The codes.")


class Forgotten(BaseModel):
    """Who forgot their password."""

    username: str = Field(min_length=1, max_length=320, description="User name or e-mail address.")


class Registration(BaseModel):
    """Who wants an account."""

    email: str = Field(min_length=1, max_length=320, description=_EMAIL)


class Confirmation(BaseModel):
    """What a link is followed with; which parts are needed depends on what it is for."""

    link: str = Field(min_length=1, max_length=200, description="The last part of the link's address.", repr=False)
    username: ShortLine | None = Field(default=None, description="The user name of a new account.")
    display_name: Called = Field(default="", description="What the new user wants to be called.")
    password: str | None = Field(
        default=None, min_length=1, max_length=LONGEST_PASSWORD, description="The new password.", repr=False
    )


class Confirmed(BaseModel):
    """What following a link did."""

    kind: LinkKind = Field(description="What the link was for.")
    username: str = Field(description="Whose it was, or who was made.")
