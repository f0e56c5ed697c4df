"""The state's registers as the cabinets ask them: citizens, birth certificates, kindergartens, mobile numbers."""
