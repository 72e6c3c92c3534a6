namespace PcieOe.Protocol.Tlp;

/// <summary>How a TLP breaks the rules of its type. Values are stable: they label counters.</summary>
public enum TlpDefect : byte
{
    None = 0,

    /// <summary>A fixed field (length 1, last byte enables 0, traffic class 0) of a configuration or I/O request has another value.</summary>
    FixedField,

    /// <summary>Byte enables that the length or the alignment forbids.</summary>
    ByteEnables,

    /// <summary>A memory request crosses 4 KiB.</summary>
    CrossesBoundary,

    /// <summary>A 4-DW header with an address below 4 GiB.</summary>
    AddressFormat,

    /// <summary>More data than the maximum payload size.</summary>
    PayloadSize,

    /// <summary>An atomic operation whose operand size or alignment does not exist.</summary>
    AtomicOperand,

    /// <summary>A completion whose data and status contradict each other.</summary>
    CompletionData,

    /// <summary>The ECRC is wrong.</summary>
    Digest,

    /// <summary>More than four end-to-end prefixes, or a local one behind them.</summary>
    Prefixes,
}

/// <summary>
/// The rules of each TLP type that need no more than the TLP itself (PCIe base spec. 2.2.5, 2.2.7, 2.2.9, 2.2.10, 2.7.1). Unknown types
/// are held to the general ones only.
/// </summary>
public static class TlpRules
{
    private const int MaximumEndToEndPrefixes = 4;

    /// <summary>The first rule that is broken, or <see cref="TlpDefect.None"/>.</summary>
    /// <param name="maximumPayloadBytes">MPS of the lane, for memory writes and completions.</param>
    public static TlpDefect Check(in TlpView tlp, int maximumPayloadBytes)
    {
        if (tlp.PrefixCount != 0 && !PrefixesAreInOrder(tlp))
        {
            return TlpDefect.Prefixes;
        }

        if (!tlp.IsDigestValid)
        {
            return TlpDefect.Digest;
        }

        if (tlp.Payload.Length > maximumPayloadBytes)
        {
            return TlpDefect.PayloadSize;
        }

        TlpType type = tlp.Type;
        if (type.IsMemoryRead || type.IsMemoryWrite)
        {
            return CheckMemory(tlp);
        }

        if (type.IsCompletion)
        {
            return type.HasData && tlp.CompletionStatus != CompletionStatus.SuccessfulCompletion ? TlpDefect.CompletionData : TlpDefect.None;
        }

        if (type.IsConfig || type.IsIo)
        {
            bool isFixed = tlp.LengthDoublewords == 1 && tlp.ByteEnables.Last == 0 && tlp.Attributes.TrafficClass == 0;
            return isFixed ? TlpDefect.None : TlpDefect.FixedField;
        }

        return type.IsAtomic ? CheckAtomic(tlp) : TlpDefect.None;
    }

    private static TlpDefect CheckMemory(in TlpView tlp)
    {
        int length = tlp.LengthDoublewords;
        ByteEnables enables = tlp.ByteEnables;
        if (length == 1 ? enables.Last != 0 : enables.First == 0 || enables.Last == 0)
        {
            return TlpDefect.ByteEnables;
        }

        // Holes are for one doubleword, or for two that make up a quadword (2.2.5).
        if (length > 1 && !(length == 2 && (tlp.Address & 7) == 0) && !enables.IsContiguous(length))
        {
            return TlpDefect.ByteEnables;
        }

        return CheckAddress(tlp, length * TlpLimits.DoublewordBytes);
    }

    private static TlpDefect CheckAtomic(in TlpView tlp)
    {
        // FetchAdd and Swap carry one operand of 4 or 8 bytes, CAS two of 4, 8 or 16 (2.2.7).
        bool isCompareAndSwap = tlp.Type is TlpType.CompareAndSwap32 or TlpType.CompareAndSwap64;
        int operand = isCompareAndSwap ? tlp.Payload.Length / 2 : tlp.Payload.Length;
        bool exists = operand is 4 or 8 || (isCompareAndSwap && operand == 16);
        if (!exists || operand * (isCompareAndSwap ? 2 : 1) != tlp.Payload.Length || (tlp.Address & (ulong)(operand - 1)) != 0)
        {
            return TlpDefect.AtomicOperand;
        }

        return CheckAddress(tlp, operand);
    }

    private static TlpDefect CheckAddress(in TlpView tlp, int bytes)
    {
        if (tlp.Type.HeaderBytes == TlpLimits.LongHeaderBytes && tlp.Address < TlpLimits.FirstLongAddress)
        {
            return TlpDefect.AddressFormat;
        }

        return (int)(tlp.Address & (TlpLimits.BoundaryBytes - 1)) + bytes > TlpLimits.BoundaryBytes ? TlpDefect.CrossesBoundary : TlpDefect.None;
    }

    private static bool PrefixesAreInOrder(in TlpView tlp)
    {
        int endToEnd = 0;
        for (int index = 0; index < tlp.PrefixCount; index++)
        {
            if (tlp.Prefix(index).IsEndToEnd)
            {
                endToEnd++;
            }
            else if (endToEnd > 0)
            {
                return false;
            }
        }

        return endToEnd <= MaximumEndToEndPrefixes;
    }
}
