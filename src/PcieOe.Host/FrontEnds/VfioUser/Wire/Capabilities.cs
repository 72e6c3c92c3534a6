using System.Text.Json;

namespace PcieOe.Host.FrontEnds.VfioUser.Wire;

/// <summary>
/// What the two sides tell one another about their limits in VERSION: JSON with one object, "capabilities". What a side leaves out has
/// the specification's default. Unknown members are passed over.
/// </summary>
internal readonly record struct Capabilities(int MaximumMessageDescriptors, long MaximumTransferBytes)
{
    public const int DefaultMessageDescriptors = 1;
    public const long DefaultTransferBytes = 1048576;

    public static Capabilities Default => new(DefaultMessageDescriptors, DefaultTransferBytes);

    /// <summary>
    /// The server's own, ended by NUL. QEMU reads the whole reply into its request's buffer: it has to stay under 214 bytes.
    /// </summary>
    public static ReadOnlySpan<byte> ServerReply =>
        "{\"capabilities\":{\"max_msg_fds\":16,\"max_data_xfer_size\":4096,\"max_dma_maps\":4096,\"pgsizes\":4096}}\0"u8;

    /// <summary>Parses what follows the version; empty is what a client without capabilities sends. False: not such JSON.</summary>
    public static bool TryParse(ReadOnlySpan<byte> json, out Capabilities capabilities)
    {
        capabilities = Default;
        int end = json.IndexOf((byte)0);
        if (end >= 0)
        {
            json = json[..end];
        }

        if (json.IsEmpty)
        {
            return true;
        }

        try
        {
            return TryRead(new Utf8JsonReader(json), ref capabilities);
        }
        catch (JsonException)
        {
            return false;
        }
        catch (InvalidOperationException)
        {
            return false; // a string that is no text
        }
    }

    private static bool TryRead(Utf8JsonReader reader, ref Capabilities capabilities)
    {
        if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject)
        {
            return false;
        }

        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            bool isCapabilities = reader.ValueTextEquals("capabilities"u8);
            reader.Read();
            if (!isCapabilities)
            {
                reader.Skip();
            }
            else if (reader.TokenType != JsonTokenType.StartObject || !TryReadMembers(ref reader, ref capabilities))
            {
                return false;
            }
        }

        return reader.TokenType == JsonTokenType.EndObject && !reader.Read();
    }

    private static bool TryReadMembers(ref Utf8JsonReader reader, ref Capabilities capabilities)
    {
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            bool isDescriptors = reader.ValueTextEquals("max_msg_fds"u8);
            bool isTransfer = reader.ValueTextEquals("max_data_xfer_size"u8);
            reader.Read();
            if (!isDescriptors && !isTransfer)
            {
                reader.Skip();
                continue;
            }

            if (reader.TokenType != JsonTokenType.Number || !reader.TryGetInt64(out long value) || value < 0)
            {
                return false;
            }

            capabilities = isDescriptors
                ? capabilities with { MaximumMessageDescriptors = (int)Math.Min(value, int.MaxValue) }
                : capabilities with { MaximumTransferBytes = value };
        }

        return reader.TokenType == JsonTokenType.EndObject;
    }
}
