/** Written by profiles/sign_packs.mjs: the public key of who has signed the packs in profiles/shipped. */
export const RELEASE_KEY = `-----BEGIN PUBLIC KEY-----
MCowBQYDK2VwAyEAbusBpoavbyDAzDiaPfX1nWOdjKKNmcgAOt8OAiwVX8I=
-----END PUBLIC KEY-----
`;
