using System.Text;
using System.Text.Unicode;

namespace PcieOe.Protocol.Handshake;

/// <summary>
/// A name in a handshake message: 64 bytes, the first one the length, then UTF-8 without control characters, then zeros.
/// </summary>
public static class NameField
{
    public const int MaximumNameBytes = 63;

    internal const int Length = 64;

    /// <summary>Whether a name fits the field, so that it may be configured. An empty name means "any" where a message allows that.</summary>
    public static bool IsValid(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        return name.Length <= MaximumNameBytes && IsValid(Encoding.UTF8.GetBytes(name));
    }

    internal static byte[] Encode(string name)
    {
        byte[] utf8 = Encoding.UTF8.GetBytes(name);
        return IsValid(utf8) ? utf8
            : throw new ArgumentException($"A name is at most {MaximumNameBytes} bytes of UTF-8 without control characters.", nameof(name));
    }

    internal static void Write(Span<byte> field, ReadOnlySpan<byte> name)
    {
        field = field[..Length];
        field[0] = (byte)name.Length;
        name.CopyTo(field[1..]);
        field[(1 + name.Length)..].Clear();
    }

    internal static bool IsValidField(ReadOnlySpan<byte> field) =>
        field[0] <= MaximumNameBytes
        && IsValid(field.Slice(1, field[0]))
        && !field[(1 + field[0])..Length].ContainsAnyExcept((byte)0);

    /// <summary>The name in a field that is valid.</summary>
    internal static ReadOnlySpan<byte> Read(ReadOnlySpan<byte> field) => field.Slice(1, field[0]);

    private static bool IsValid(ReadOnlySpan<byte> name) =>
        name.Length <= MaximumNameBytes && !name.ContainsAnyInRange((byte)0, (byte)0x1F) && !name.Contains((byte)0x7F) && Utf8.IsValid(name);
}
