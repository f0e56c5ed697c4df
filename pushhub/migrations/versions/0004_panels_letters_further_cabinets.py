"""panels, letters, further cabinets"""

import sqlalchemy as sa
from alembic import op

revision = '0004'
down_revision = '0003'
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table('accounts', schema=None) as batch_op:
        batch_op.alter_column('number', existing_type=sa.String(length=20), nullable=True)
        batch_op.alter_column('number_since', existing_type=sa.DateTime(timezone=True), nullable=True)
        batch_op.add_column(sa.Column('email_sealed', sa.LargeBinary(), nullable=True))
        batch_op.add_column(sa.Column('particulars_sealed', sa.LargeBinary(), nullable=True))
        batch_op.add_column(sa.Column('parent_id', sa.Uuid(), nullable=True))
        batch_op.add_column(sa.Column('may_add_users', sa.Boolean(), nullable=False, server_default=sa.false()))
        batch_op.add_column(sa.Column('must_change_password', sa.Boolean(), nullable=False, server_default=sa.false()))
        batch_op.create_foreign_key(batch_op.f('fk_accounts_parent_id_accounts'), 'accounts', ['parent_id'], ['id'], ondelete='CASCADE')
        batch_op.create_index(batch_op.f('ix_accounts_parent_id'), ['parent_id'], unique=False)
    with op.batch_alter_table('accounts', schema=None) as batch_op:
        batch_op.alter_column('may_add_users', existing_type=sa.Boolean(), server_default=None)
        batch_op.alter_column('must_change_password', existing_type=sa.Boolean(), server_default=None)

    with op.batch_alter_table('account_sessions', schema=None) as batch_op:
        batch_op.add_column(sa.Column('remembered', sa.Boolean(), nullable=False, server_default=sa.false()))
    with op.batch_alter_table('account_sessions', schema=None) as batch_op:
        batch_op.alter_column('remembered', existing_type=sa.Boolean(), server_default=None)

    op.create_table('account_links',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('product_id', sa.Uuid(), nullable=False),
    sa.Column('account_id', sa.Uuid(), nullable=False),
    sa.Column('kind', sa.String(length=16), nullable=False),
    sa.Column('digest', sa.String(length=64), nullable=False),
    sa.Column('data_sealed', sa.LargeBinary(), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('used_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['account_id'], ['accounts.id'], name=op.f('fk_account_links_account_id_accounts'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['product_id'], ['products.id'], name=op.f('fk_account_links_product_id_products'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_account_links')),
    sa.UniqueConstraint('digest', name=op.f('uq_account_links_digest'))
    )
    with op.batch_alter_table('account_links', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_account_links_account_id'), ['account_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_account_links_expires_at'), ['expires_at'], unique=False)

    op.create_table('account_passwords',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('account_id', sa.Uuid(), nullable=False),
    sa.Column('marks', sa.JSON(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['account_id'], ['accounts.id'], name=op.f('fk_account_passwords_account_id_accounts'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_account_passwords'))
    )
    with op.batch_alter_table('account_passwords', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_account_passwords_account_id'), ['account_id'], unique=False)

    op.create_table('panels',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('product_id', sa.Uuid(), nullable=False),
    sa.Column('number', sa.String(length=20), nullable=False),
    sa.Column('live', sa.Boolean(), nullable=False),
    sa.Column('purpose', sa.String(length=40), nullable=True),
    sa.Column('assurance', sa.String(length=20), nullable=False),
    sa.Column('locale', sa.String(length=5), nullable=False),
    sa.Column('origin', sa.String(length=255), nullable=True),
    sa.Column('secret_digest', sa.String(length=64), nullable=False),
    sa.Column('offer_id', sa.Uuid(), nullable=True),
    sa.Column('verification_id', sa.Uuid(), nullable=True),
    sa.Column('approved_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('closed_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['offer_id'], ['offers.id'], name=op.f('fk_panels_offer_id_offers'), ondelete='SET NULL'),
    sa.ForeignKeyConstraint(['product_id'], ['products.id'], name=op.f('fk_panels_product_id_products'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['verification_id'], ['verifications.id'], name=op.f('fk_panels_verification_id_verifications'), ondelete='SET NULL'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_panels')),
    sa.UniqueConstraint('secret_digest', name=op.f('uq_panels_secret_digest'))
    )
    with op.batch_alter_table('panels', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_panels_expires_at'), ['expires_at'], unique=False)

    op.create_table('letters',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('product_id', sa.Uuid(), nullable=False),
    sa.Column('kind', sa.String(length=40), nullable=False),
    sa.Column('status', sa.String(length=10), nullable=False),
    sa.Column('tries', sa.Integer(), nullable=False),
    sa.Column('claimable_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('lease_owner', sa.Uuid(), nullable=True),
    sa.Column('error', sa.String(length=60), nullable=True),
    sa.Column('sealed', sa.LargeBinary(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('valid_until', sa.DateTime(timezone=True), nullable=False),
    sa.Column('sent_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('changed_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['product_id'], ['products.id'], name=op.f('fk_letters_product_id_products'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_letters'))
    )
    with op.batch_alter_table('letters', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_letters_product_id'), ['product_id'], unique=False)
        batch_op.create_index('ix_letters_queue', ['claimable_at'], unique=False, sqlite_where=sa.text("status IN ('queued', 'sending')"), postgresql_where=sa.text("status IN ('queued', 'sending')"))
        batch_op.create_index('ix_letters_status_changed_at', ['status', 'changed_at'], unique=False)

    op.create_table('mail_server_looks',
    sa.Column('id', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('asked_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('looked_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('failing_since', sa.DateTime(timezone=True), nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_mail_server_looks'))
    )

    op.create_table('used_captchas',
    sa.Column('digest', sa.String(length=64), nullable=False),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('digest', name=op.f('pk_used_captchas'))
    )
    with op.batch_alter_table('used_captchas', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_used_captchas_expires_at'), ['expires_at'], unique=False)


def downgrade() -> None:
    op.drop_table('used_captchas')
    op.drop_table('mail_server_looks')
    op.drop_table('letters')
    op.drop_table('panels')
    op.drop_table('account_passwords')
    op.drop_table('account_links')
    with op.batch_alter_table('account_sessions', schema=None) as batch_op:
        batch_op.drop_column('remembered')
    op.execute("DELETE FROM accounts WHERE number IS NULL")
    with op.batch_alter_table('accounts', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_accounts_parent_id'))
        batch_op.drop_constraint(batch_op.f('fk_accounts_parent_id_accounts'), type_='foreignkey')
        for column in ('must_change_password', 'may_add_users', 'parent_id', 'particulars_sealed', 'email_sealed'):
            batch_op.drop_column(column)
        batch_op.alter_column('number_since', existing_type=sa.DateTime(timezone=True), nullable=False)
        batch_op.alter_column('number', existing_type=sa.String(length=20), nullable=False)
