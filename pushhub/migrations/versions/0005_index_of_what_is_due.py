"""the index of what is due is taken for nothing else"""

import sqlalchemy as sa
from alembic import op

revision = '0005'
down_revision = '0004'
branch_labels = None
depends_on = None


def upgrade() -> None:
    _index_where("closed_at IS NULL")


def downgrade() -> None:
    _index_where("status = 'pending'")


def _index_where(condition: str) -> None:
    op.drop_index('ix_verifications_due', table_name='verifications')
    op.create_index('ix_verifications_due', 'verifications', ['expires_at'], unique=False, sqlite_where=sa.text(condition), postgresql_where=sa.text(condition))
