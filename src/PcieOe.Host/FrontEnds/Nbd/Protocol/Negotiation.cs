using System.Buffers;
using System.Buffers.Binary;
using System.Text;

namespace PcieOe.Host.FrontEnds.Nbd.Protocol;

internal enum NegotiationState
{
    /// <summary>The client's flags are to come, then options.</summary>
    Flags,
    Options,

    /// <summary>An export is chosen; what follows in the stream are requests.</summary>
    Transmission,

    /// <summary>The connection is to be closed once the output has gone out.</summary>
    Ended,
}

/// <summary>
/// The server's side of the handshake, fixed newstyle (doc/proto.md, "Handshake phase"). It takes bytes as they come and writes answers;
/// it knows no sockets. Garbage ends it; an option that it does not know, or that is wrong, is answered and the next one read.
/// </summary>
internal sealed class Negotiation(IExportCatalogue catalogue)
{
    internal const int MaximumOptions = 256;
    internal const int MaximumOptionBytes = 64 * 1024;

    /// <summary>An option may not make us read more than this to find its end.</summary>
    internal const int MaximumSkippedBytes = 1 << 20;

    private const int OptionHeaderBytes = 16;
    private const string BaseAllocation = "base:allocation";
    private const string BaseNamespace = "base:";

    private HandshakeFlags _clientFlags;
    private string? _contextExport;
    private uint _skipped;
    private int _options;

    internal NegotiationState State { get; private set; }

    /// <summary>The chosen export, in <see cref="NegotiationState.Transmission"/>.</summary>
    internal NbdExport? Export { get; private set; }

    internal bool IsStructured { get; private set; }

    /// <summary>Whether block states of base:allocation were agreed on for <see cref="Export"/>.</summary>
    internal bool HasBaseAllocation { get; private set; }

    /// <summary>Takes what it can. Gives the bytes taken; the rest is to be offered again, with more behind it, unless the handshake is over.</summary>
    internal long Consume(ReadOnlySequence<byte> input, IBufferWriter<byte> output)
    {
        long before = input.Length;
        while (Step(ref input, output))
        {
        }

        return before - input.Length;
    }

    private bool Step(ref ReadOnlySequence<byte> input, IBufferWriter<byte> output)
    {
        if (_skipped > 0)
        {
            long skipped = Math.Min(_skipped, input.Length);
            input = input.Slice(skipped);
            _skipped -= (uint)skipped;
            return skipped > 0;
        }

        return State switch
        {
            NegotiationState.Flags => ReadFlags(ref input),
            NegotiationState.Options => ReadOption(ref input, output),
            _ => false,
        };
    }

    private bool ReadFlags(ref ReadOnlySequence<byte> input)
    {
        if (input.Length < sizeof(uint))
        {
            return false;
        }

        Span<byte> bytes = stackalloc byte[sizeof(uint)];
        input.Slice(0, sizeof(uint)).CopyTo(bytes);
        input = input.Slice(sizeof(uint));
        _clientFlags = (HandshakeFlags)BinaryPrimitives.ReadUInt32BigEndian(bytes);
        State = (_clientFlags & ~(HandshakeFlags.FixedNewstyle | HandshakeFlags.NoZeroes)) == 0 ? NegotiationState.Options : NegotiationState.Ended;
        return true;
    }

    private bool ReadOption(ref ReadOnlySequence<byte> input, IBufferWriter<byte> output)
    {
        if (input.Length < OptionHeaderBytes)
        {
            return false;
        }

        Span<byte> header = stackalloc byte[OptionHeaderBytes];
        input.Slice(0, OptionHeaderBytes).CopyTo(header);
        var option = (NbdOption)BinaryPrimitives.ReadUInt32BigEndian(header[8..]);
        uint length = BinaryPrimitives.ReadUInt32BigEndian(header[12..]);
        if (BinaryPrimitives.ReadUInt64BigEndian(header) != NbdMagic.Option || length > MaximumSkippedBytes || _options == MaximumOptions)
        {
            State = NegotiationState.Ended;
            return false;
        }

        if (length > MaximumOptionBytes)
        {
            _options++;
            _skipped = length;
            input = input.Slice(OptionHeaderBytes);
            OptionReplies.Write(output, option, OptionReplyType.ErrorTooBig);
            return true;
        }

        if (input.Length < OptionHeaderBytes + length)
        {
            return false;
        }

        _options++;
        ReadOnlySequence<byte> content = input.Slice(OptionHeaderBytes, length);
        input = input.Slice(OptionHeaderBytes + length);
        Handle(option, content.IsSingleSegment ? content.FirstSpan : content.ToArray(), output);
        return true;
    }

    private void Handle(NbdOption option, ReadOnlySpan<byte> data, IBufferWriter<byte> output)
    {
        switch (option)
        {
            case NbdOption.ExportName:
                ChooseByName(data, output);
                break;
            case NbdOption.Abort:
                OptionReplies.Write(output, option, OptionReplyType.Acknowledged);
                State = NegotiationState.Ended;
                break;
            case NbdOption.List:
                List(data, output);
                break;
            case NbdOption.Info or NbdOption.Go:
                Describe(option, data, output);
                break;
            case NbdOption.StructuredReply when data.IsEmpty:
                IsStructured = true;
                OptionReplies.Write(output, option, OptionReplyType.Acknowledged);
                break;
            case NbdOption.StructuredReply:
                OptionReplies.Write(output, option, OptionReplyType.ErrorInvalid);
                break;
            case NbdOption.ListMetaContext or NbdOption.SetMetaContext:
                MetaContexts(option, data, output);
                break;
            default:
                OptionReplies.Write(output, option, OptionReplyType.ErrorUnsupported);
                break;
        }
    }

    private void ChooseByName(ReadOnlySpan<byte> data, IBufferWriter<byte> output)
    {
        // The one option that has no way to answer an error.
        if (data.Length > NbdExport.MaximumNameBytes || Find(Encoding.UTF8.GetString(data)) is not { } export)
        {
            State = NegotiationState.Ended;
            return;
        }

        Choose(export);
        OptionReplies.WriteExportName(output, export, IsStructured, (_clientFlags & HandshakeFlags.NoZeroes) != 0);
    }

    private void List(ReadOnlySpan<byte> data, IBufferWriter<byte> output)
    {
        if (!data.IsEmpty)
        {
            OptionReplies.Write(output, NbdOption.List, OptionReplyType.ErrorInvalid);
            return;
        }

        foreach (NbdExport export in catalogue.Exports)
        {
            OptionReplies.WriteServer(output, export);
        }

        OptionReplies.Write(output, NbdOption.List, OptionReplyType.Acknowledged);
    }

    private void Describe(NbdOption option, ReadOnlySpan<byte> bytes, IBufferWriter<byte> output)
    {
        OptionData data = new(bytes);
        if (!data.TryReadText(out string name) || !data.TryReadUInt16(out ushort count) || bytes.Length != OptionRequestBytes(bytes, count))
        {
            OptionReplies.Write(output, option, OptionReplyType.ErrorInvalid);
            return;
        }

        if (Find(name) is not { } export)
        {
            OptionReplies.WriteError(output, option, OptionReplyType.ErrorUnknown, "there is no such export, or its device is not ready");
            return;
        }

        // The size and the limits are said unasked: a client that knows neither asks for what is refused.
        OptionReplies.WriteExportInfo(output, option, export, IsStructured);
        OptionReplies.WriteBlockSizeInfo(output, option, export);
        bool saidName = false;
        bool saidDescription = false;
        while (data.TryReadUInt16(out ushort info))
        {
            if (info == (ushort)NbdInfo.Name && !saidName)
            {
                saidName = true;
                OptionReplies.WriteTextInfo(output, option, NbdInfo.Name, export.Name);
            }
            else if (info == (ushort)NbdInfo.Description && !saidDescription)
            {
                saidDescription = true;
                OptionReplies.WriteTextInfo(output, option, NbdInfo.Description, export.Description);
            }
        }

        OptionReplies.Write(output, option, OptionReplyType.Acknowledged);
        if (option == NbdOption.Go)
        {
            Choose(export);
        }
    }

    private static long OptionRequestBytes(ReadOnlySpan<byte> bytes, ushort infos) =>
        sizeof(uint) + BinaryPrimitives.ReadUInt32BigEndian(bytes) + sizeof(ushort) + (long)infos * sizeof(ushort);

    private void MetaContexts(NbdOption option, ReadOnlySpan<byte> bytes, IBufferWriter<byte> output)
    {
        OptionData data = new(bytes);
        bool isSet = option == NbdOption.SetMetaContext;
        bool isWanted = false;
        if (isSet)
        {
            _contextExport = null; // a new choice takes the place of the last one, also if it fails
        }

        if ((isSet && !IsStructured) || !data.TryReadText(out string name) || !data.TryReadUInt32(out uint queries))
        {
            OptionReplies.Write(output, option, OptionReplyType.ErrorInvalid);
            return;
        }

        for (uint query = 0; query < queries; query++)
        {
            if (!data.TryReadText(out string text))
            {
                OptionReplies.Write(output, option, OptionReplyType.ErrorInvalid);
                return;
            }

            isWanted |= text == BaseAllocation || (!isSet && text == BaseNamespace);
        }

        if (!data.IsAtEnd)
        {
            OptionReplies.Write(output, option, OptionReplyType.ErrorInvalid);
            return;
        }

        if (Find(name) is not { } export)
        {
            OptionReplies.Write(output, option, OptionReplyType.ErrorUnknown);
            return;
        }

        if (isWanted || (!isSet && queries == 0))
        {
            OptionReplies.WriteMetaContext(output, option, isSet ? ReplyHeaders.BaseAllocationId : 0, BaseAllocation);
            _contextExport = isSet ? export.Name : _contextExport;
        }

        OptionReplies.Write(output, option, OptionReplyType.Acknowledged);
    }

    private void Choose(NbdExport export)
    {
        Export = export;
        HasBaseAllocation = _contextExport == export.Name;
        State = NegotiationState.Transmission;
    }

    /// <summary>The empty name stands for the first export.</summary>
    private NbdExport? Find(string name)
    {
        IReadOnlyList<NbdExport> exports = catalogue.Exports;
        return name.Length == 0 && exports.Count > 0 ? exports[0] : exports.FirstOrDefault(export => export.Name == name);
    }
}
