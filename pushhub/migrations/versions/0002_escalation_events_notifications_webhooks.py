"""escalation events notifications webhooks"""

import sqlalchemy as sa
from alembic import op

revision = '0002'
down_revision = '0001'
branch_labels = None
depends_on = None


def upgrade() -> None:
    _number_the_events()
    op.create_table('open_circuits',
    sa.Column('channel', sa.String(length=12), nullable=False),
    sa.Column('app', sa.String(length=300), nullable=False),
    sa.Column('reason', sa.String(length=60), nullable=False),
    sa.Column('opened_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('seen_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('channel', 'app', name=op.f('pk_open_circuits'))
    )
    op.create_table('webhooks',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('product_id', sa.Uuid(), nullable=False),
    sa.Column('live', sa.Boolean(), nullable=False),
    sa.Column('url', sa.String(length=2000), nullable=False),
    sa.Column('tags', sa.JSON(), nullable=False),
    sa.Column('disabled_reason', sa.String(length=20), nullable=True),
    sa.Column('disabled_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['product_id'], ['products.id'], name=op.f('fk_webhooks_product_id_products'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_webhooks'))
    )
    with op.batch_alter_table('webhooks', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_webhooks_product_id'), ['product_id'], unique=False)

    op.create_table('webhook_secrets',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('webhook_id', sa.Uuid(), nullable=False),
    sa.Column('sealed', sa.LargeBinary(), nullable=False),
    sa.Column('signs_until', sa.DateTime(timezone=True), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['webhook_id'], ['webhooks.id'], name=op.f('fk_webhook_secrets_webhook_id_webhooks'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_webhook_secrets'))
    )
    with op.batch_alter_table('webhook_secrets', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_webhook_secrets_webhook_id'), ['webhook_id'], unique=False)
        batch_op.create_index('uq_webhook_secrets_current', ['webhook_id'], unique=True, sqlite_where=sa.text('signs_until IS NULL'), postgresql_where=sa.text('signs_until IS NULL'))

    op.create_table('event_counter',
    sa.Column('id', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('last', sa.BigInteger(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_event_counter'))
    )
    op.create_table('webhook_messages',
    sa.Column('webhook_id', sa.Uuid(), nullable=False),
    sa.Column('event_position', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), autoincrement=False, nullable=False),
    sa.Column('subject_id', sa.Uuid(), nullable=False),
    sa.Column('status', sa.String(length=10), nullable=False),
    sa.Column('tries', sa.Integer(), nullable=False),
    sa.Column('claimable_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('lease_owner', sa.Uuid(), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('changed_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('last_status', sa.Integer(), nullable=True),
    sa.Column('error', sa.String(length=60), nullable=True),
    sa.ForeignKeyConstraint(['event_position'], ['events.position'], name=op.f('fk_webhook_messages_event_position_events'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['webhook_id'], ['webhooks.id'], name=op.f('fk_webhook_messages_webhook_id_webhooks'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('webhook_id', 'event_position', name=op.f('pk_webhook_messages'))
    )
    with op.batch_alter_table('webhook_messages', schema=None) as batch_op:
        batch_op.create_index('ix_webhook_messages_queue', ['webhook_id', 'claimable_at', 'event_position'], unique=False, sqlite_where=sa.text("status IN ('queued', 'sending')"), postgresql_where=sa.text("status IN ('queued', 'sending')"))
        batch_op.create_index('ix_webhook_messages_subject', ['webhook_id', 'subject_id', 'event_position'], unique=False, sqlite_where=sa.text("status IN ('queued', 'sending')"), postgresql_where=sa.text("status IN ('queued', 'sending')"))
        batch_op.create_index('ix_webhook_messages_done', ['status', 'changed_at'], unique=False, sqlite_where=sa.text("status IN ('delivered', 'failed')"), postgresql_where=sa.text("status IN ('delivered', 'failed')"))
        batch_op.create_index(batch_op.f('ix_webhook_messages_event_position'), ['event_position'], unique=False)

    with op.batch_alter_table('deliveries', schema=None) as batch_op:
        batch_op.add_column(sa.Column('step', sa.SmallInteger(), nullable=False, server_default='0'))
        batch_op.add_column(sa.Column('asked', sa.Boolean(), nullable=False, server_default=sa.true()))
        batch_op.drop_index(batch_op.f('ix_deliveries_queue'), sqlite_where=sa.text("status IN ('queued', 'sending')"))
        batch_op.create_index('ix_deliveries_queue', ['channel', 'kind', 'claimable_at'], unique=False, sqlite_where=sa.text("status IN ('queued', 'sending')"), postgresql_where=sa.text("status IN ('queued', 'sending')"))
        batch_op.create_index('ix_deliveries_notification_id', ['notification_id', 'status'], unique=False, sqlite_where=sa.text('notification_id IS NOT NULL'), postgresql_where=sa.text('notification_id IS NOT NULL'))
    with op.batch_alter_table('deliveries', schema=None) as batch_op:
        batch_op.alter_column('asked', server_default=None)
        batch_op.alter_column('step', server_default=None)

    with op.batch_alter_table('notifications', schema=None) as batch_op:
        batch_op.add_column(sa.Column('texts', sa.JSON(), nullable=False, server_default='{}'))
        batch_op.add_column(sa.Column('status', sa.String(length=10), nullable=False, server_default='sent'))
        batch_op.add_column(sa.Column('live', sa.Boolean(), nullable=False, server_default=sa.true()))
        batch_op.add_column(sa.Column('numbers', sa.JSON(none_as_null=True), nullable=True))
        batch_op.add_column(sa.Column('cursor', sa.String(length=40), nullable=False, server_default=''))
        batch_op.add_column(sa.Column('recipients', sa.Integer(), nullable=True, server_default='1'))
        batch_op.add_column(sa.Column('unreachable', sa.Integer(), nullable=False, server_default='0'))
        batch_op.add_column(sa.Column('send_at', sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column('due_at', sa.DateTime(timezone=True), nullable=True))
        batch_op.create_index('ix_notifications_due', ['due_at'], unique=False, sqlite_where=sa.text("status IN ('scheduled', 'sending')"), postgresql_where=sa.text("status IN ('scheduled', 'sending')"))
    with op.batch_alter_table('notifications', schema=None) as batch_op:
        batch_op.alter_column('texts', server_default=None)
        batch_op.alter_column('status', server_default=None)
        batch_op.alter_column('live', server_default=None)
        batch_op.alter_column('cursor', server_default=None)
        batch_op.alter_column('recipients', server_default=None)
        batch_op.alter_column('unreachable', server_default=None)

    with op.batch_alter_table('bindings', schema=None) as batch_op:
        batch_op.create_index('ix_bindings_active', ['id'], unique=False, sqlite_where=sa.text('ended_at IS NULL'), postgresql_where=sa.text('ended_at IS NULL'))

    with op.batch_alter_table('verifications', schema=None) as batch_op:
        batch_op.add_column(sa.Column('route', sa.JSON(), nullable=False, server_default='[]'))
        batch_op.add_column(sa.Column('step', sa.SmallInteger(), nullable=False, server_default='0'))
        batch_op.add_column(sa.Column('escalate_at', sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column('email_sealed', sa.LargeBinary(), nullable=True))
        batch_op.create_index('ix_verifications_escalation', ['escalate_at'], unique=False, sqlite_where=sa.text('escalate_at IS NOT NULL'), postgresql_where=sa.text('escalate_at IS NOT NULL'))
        batch_op.create_index('ix_verifications_number_product_id', ['number', 'product_id'], unique=False)
    with op.batch_alter_table('verifications', schema=None) as batch_op:
        batch_op.alter_column('route', server_default=None)
        batch_op.alter_column('step', server_default=None)



def downgrade() -> None:
    with op.batch_alter_table('verifications', schema=None) as batch_op:
        batch_op.drop_index('ix_verifications_number_product_id')
        batch_op.drop_index('ix_verifications_escalation', sqlite_where=sa.text('escalate_at IS NOT NULL'), postgresql_where=sa.text('escalate_at IS NOT NULL'))
        batch_op.drop_column('email_sealed')
        batch_op.drop_column('escalate_at')
        batch_op.drop_column('step')
        batch_op.drop_column('route')

    with op.batch_alter_table('bindings', schema=None) as batch_op:
        batch_op.drop_index('ix_bindings_active', sqlite_where=sa.text('ended_at IS NULL'), postgresql_where=sa.text('ended_at IS NULL'))

    with op.batch_alter_table('notifications', schema=None) as batch_op:
        batch_op.drop_index('ix_notifications_due', sqlite_where=sa.text("status IN ('scheduled', 'sending')"), postgresql_where=sa.text("status IN ('scheduled', 'sending')"))
        batch_op.drop_column('due_at')
        batch_op.drop_column('send_at')
        batch_op.drop_column('unreachable')
        batch_op.drop_column('recipients')
        batch_op.drop_column('cursor')
        batch_op.drop_column('numbers')
        batch_op.drop_column('live')
        batch_op.drop_column('status')
        batch_op.drop_column('texts')

    with op.batch_alter_table('deliveries', schema=None) as batch_op:
        batch_op.drop_index('ix_deliveries_notification_id', sqlite_where=sa.text('notification_id IS NOT NULL'), postgresql_where=sa.text('notification_id IS NOT NULL'))
        batch_op.drop_index('ix_deliveries_queue', sqlite_where=sa.text("status IN ('queued', 'sending')"), postgresql_where=sa.text("status IN ('queued', 'sending')"))
        batch_op.create_index(batch_op.f('ix_deliveries_queue'), ['channel', 'claimable_at'], unique=False, sqlite_where=sa.text("status IN ('queued', 'sending')"), postgresql_where=sa.text("status IN ('queued', 'sending')"))
        batch_op.drop_column('asked')
        batch_op.drop_column('step')

    op.drop_table('webhook_messages')
    op.drop_table('event_counter')
    op.drop_table('webhook_secrets')
    with op.batch_alter_table('webhooks', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_webhooks_product_id'))

    op.drop_table('webhooks')
    op.drop_table('open_circuits')
    _events_without_numbers()

def _number_the_events() -> None:
    """The key of an event becomes a number that the database gives out; what stands there is kept in its order."""
    op.execute("CREATE TABLE events_before AS SELECT * FROM events")
    op.drop_table('events')
    op.create_table('events',
    sa.Column('position', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('sequence', sa.BigInteger(), nullable=True),
    sa.Column('product_id', sa.Uuid(), nullable=True),
    sa.Column('live', sa.Boolean(), nullable=False),
    sa.Column('tag', sa.String(length=40), nullable=False),
    sa.Column('subject_id', sa.Uuid(), nullable=False),
    sa.Column('data', sa.JSON(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['product_id'], ['products.id'], name=op.f('fk_events_product_id_products'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('position', name=op.f('pk_events'))
    )
    op.execute("INSERT INTO events (id, product_id, live, tag, subject_id, data, at) "
               "SELECT id, product_id, true, tag, subject_id, data, at FROM events_before ORDER BY id")
    op.drop_table('events_before')
    with op.batch_alter_table('events', schema=None) as batch_op:
        batch_op.create_index('ix_events_subject_id', ['subject_id'], unique=False)
        batch_op.create_index('ix_events_product_id_live_sequence', ['product_id', 'live', 'sequence'], unique=False)
        batch_op.create_index('ix_events_unsequenced', ['position'], unique=False, sqlite_where=sa.text('sequence IS NULL'), postgresql_where=sa.text('sequence IS NULL'))
        batch_op.create_index('uq_events_sequence', ['sequence'], unique=True)


def _events_without_numbers() -> None:
    op.execute("CREATE TABLE events_after AS SELECT * FROM events")
    op.drop_table('events')
    op.create_table('events',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('product_id', sa.Uuid(), nullable=True),
    sa.Column('tag', sa.String(length=40), nullable=False),
    sa.Column('subject_id', sa.Uuid(), nullable=False),
    sa.Column('data', sa.JSON(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['product_id'], ['products.id'], name=op.f('fk_events_product_id_products'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_events'))
    )
    op.execute("INSERT INTO events (id, product_id, tag, subject_id, data, at) "
               "SELECT id, product_id, tag, subject_id, data, at FROM events_after")
    op.drop_table('events_after')
    with op.batch_alter_table('events', schema=None) as batch_op:
        batch_op.create_index('ix_events_product_id_id', ['product_id', 'id'], unique=False)
        batch_op.create_index('ix_events_subject_id', ['subject_id'], unique=False)
