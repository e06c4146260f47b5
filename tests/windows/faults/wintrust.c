/* A wintrust.dll that returns what a test wants: KDRVGEN_FAKE_TRUST holds the code of the signature,
 * and behind a comma that of its timestamp, in hexadecimal digits. Wine trusts every root, and looks
 * at no timestamp; so that what Windows refuses is to be seen by this. */
#include <windows.h>
#include <stdlib.h>

/* CRYPT_PROVIDER_SGNR, Microsoft Learn */
typedef struct signer {
    DWORD size;
    FILETIME verify_as_of;
    DWORD chain_length;
    void *chain;
    DWORD kind;
    void *info;
    DWORD error;
    DWORD counter_signer_count;
    struct signer *counter_signers;
    const void *chain_context;
} signer_t;

/* WINTRUST_DATA, Microsoft Learn */
typedef struct {
    DWORD size;
    void *policy_callback, *sip_client;
    DWORD ui_choice, revocation_checks, union_choice;
    void *file;
    DWORD state_action;
    HANDLE state;
} data_t;

static signer_t timestamp = { sizeof(signer_t) };
static signer_t signer = { sizeof(signer_t) };

static DWORD code(int index)
{
    char text[64] = "";
    char *comma;
    GetEnvironmentVariableA("KDRVGEN_FAKE_TRUST", text, sizeof(text));
    comma = strchr(text, ',');
    return (DWORD)strtoul(index ? (comma ? comma + 1 : "0") : text, NULL, 16);
}

__declspec(dllexport) LONG WINAPI WinVerifyTrust(HWND window, GUID *action, void *pointer)
{
    data_t *data = pointer;
    if (window != (HWND)-1 || data->ui_choice != 2 || data->size < sizeof(data_t)) return E_INVALIDARG;
    if (data->state_action == 2) {
        data->state = NULL;
        return 0;
    }
    data->state = &signer;
    return (LONG)code(0);
}

__declspec(dllexport) void *WINAPI WTHelperProvDataFromStateData(HANDLE state)
{
    return state;
}

__declspec(dllexport) signer_t *WINAPI WTHelperGetProvSignerFromChain(void *provider, DWORD index,
                                                                     BOOL is_counter, DWORD counter)
{
    timestamp.error = code(1);
    signer.counter_signer_count = timestamp.error ? 1 : 0;
    signer.counter_signers = &timestamp;
    return index == 0 && !is_counter && provider ? &signer : NULL;
}
