"""What people do with their accounts: register, change password, login or data; users; the feed."""
