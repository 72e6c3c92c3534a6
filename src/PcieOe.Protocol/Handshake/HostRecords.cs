using System.Diagnostics.CodeAnalysis;
using System.Text;
using PcieOe.Protocol.Keys;

namespace PcieOe.Protocol.Handshake;

/// <summary>A host that a target knows, and what it remembers of its hellos.</summary>
internal sealed class HostRecord(HostCredential? credential)
{
    /// <summary>Null on a target without keys, where one record stands for everybody.</summary>
    public HostCredential? Credential => credential;

    public HelloHistory History { get; } = new();
}

/// <summary>The hosts that may have sessions. Their number is that of the configuration, whoever asks.</summary>
internal sealed class HostRecords
{
    private readonly Dictionary<string, HostRecord>.AlternateLookup<ReadOnlySpan<char>> _byName;
    private readonly HostRecord? _anybody;

    // Its MAC is computed for unknown hosts, so that the time of a refusal does not tell them from wrong keys.
    private readonly HostCredential _nobody = new("nobody", System.Security.Cryptography.RandomNumberGenerator.GetBytes(32));

    /// <param name="credentials">Null: no keys, and everybody is let in.</param>
    public HostRecords(IReadOnlyCollection<HostCredential>? credentials)
    {
        var byName = new Dictionary<string, HostRecord>(StringComparer.Ordinal);
        foreach (HostCredential credential in credentials ?? [])
        {
            byName.Add(credential.HostName, new HostRecord(credential));
        }

        _byName = byName.GetAlternateLookup<ReadOnlySpan<char>>();
        _anybody = credentials is null ? new HostRecord(credential: null) : null;
    }

    public bool IsKeyed => _anybody is null;

    public SecurityMode Security => IsKeyed ? SecurityMode.PreSharedKey : SecurityMode.Insecure;

    /// <summary>The host that sent this hello; null if it cannot be shown.</summary>
    public HostRecord? Authenticate(in Hello hello)
    {
        if (_anybody is not null)
        {
            return _anybody;
        }

        bool isKnown = TryFind(hello.HostName, out HostRecord? host);
        return hello.IsAuthentic(host?.Credential ?? _nobody) && isKnown ? host : null;
    }

    /// <summary>The credential of a known host, or one that nobody has: its MAC takes as long.</summary>
    public HostCredential CredentialToCheck(ReadOnlySpan<byte> nameUtf8, out bool isKnown)
    {
        isKnown = TryFind(nameUtf8, out HostRecord? host);
        return host?.Credential ?? _nobody;
    }

    private bool TryFind(ReadOnlySpan<byte> nameUtf8, [NotNullWhen(true)] out HostRecord? host)
    {
        Span<char> name = stackalloc char[NameField.MaximumNameBytes];
        int length = Encoding.UTF8.GetChars(nameUtf8, name);
        return _byName.TryGetValue(name[..length], out host);
    }
}
