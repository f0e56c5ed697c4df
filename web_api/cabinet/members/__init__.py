"""What a signed-in person sees and does: feed, sessions, own profile, further users; and the link that confirms an
e-mail address."""
