// The 12-digit binding password as it is typed.

/** Whether the check digits fit: ISO 7064 MOD 97-10, as the service computes them. */
export function passwordFits(digits) {
  return /^\d{12}$/.test(digits) && Number(digits) % 97 === 1;
}

export const onlyDigits = (text) => text.replace(/\D/g, "");
