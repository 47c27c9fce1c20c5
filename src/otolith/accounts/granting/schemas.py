"""What the routes of granted features take and give."""

from uuid import UUID

from pydantic import BaseModel, Field

from otolith.core.actor import ServerRole
from otolith.core.features import Feature


class GrantIn(BaseModel):
    """What somebody is to use from now on."""

    features: list[Feature] | None = Field(
        max_length=50, description="Exactly these; none of them: nothing; null: what the role brings."
    )


class GrantOut(BaseModel):
    """What somebody may use, and whether by name or by role."""

    user_id: UUID = Field(description="The user's id.")
    username: str = Field(description="The user name.")
    role: ServerRole = Field(description="What the user is on the server.")
    granted: list[Feature] | None = Field(description="The features granted by name; null: by the role.")
    features: list[Feature] = Field(description="The features that count.")
