namespace PcieOe.Host.FrontEnds.Nbd.Protocol;

/// <summary>What a client can choose by name: a namespace of an attached controller.</summary>
/// <param name="Name">Unique on its server; at most <see cref="MaximumNameBytes"/> in UTF-8.</param>
/// <param name="Description">For people.</param>
/// <param name="Device">Which of the server's devices it lies on.</param>
/// <param name="NamespaceId">NSID.</param>
/// <param name="BlockBytes">Offsets and lengths of requests are multiples of it; a power of two.</param>
/// <param name="SizeBytes">A multiple of <paramref name="BlockBytes"/>.</param>
/// <param name="CommandBytes">The longest transfer of one command to the device.</param>
/// <param name="IsReadOnly">Nothing may change its content.</param>
internal sealed record NbdExport(string Name, string Description, int Device, uint NamespaceId, int BlockBytes, ulong SizeBytes, int CommandBytes, bool IsReadOnly)
{
    /// <summary>The protocol's limit of a text.</summary>
    internal const int MaximumNameBytes = 4096;

    /// <summary>The longest READ and WRITE: what clients may assume of a server that says nothing.</summary>
    internal const uint MaximumRequestBytes = 32 << 20;

    private const int PreferredBytes = 4096;

    internal uint PreferredBlockBytes => (uint)Math.Max(BlockBytes, PreferredBytes);

    /// <param name="isStructured">Whether structured replies were agreed on.</param>
    internal TransmissionFlags Flags(bool isStructured)
    {
        TransmissionFlags flags = TransmissionFlags.HasFlags | TransmissionFlags.SendFlush | TransmissionFlags.SendFua
            | TransmissionFlags.CanMultiConnect | TransmissionFlags.SendCache;
        flags |= isStructured ? TransmissionFlags.SendDontFragment : TransmissionFlags.None;
        return flags | (IsReadOnly
            ? TransmissionFlags.ReadOnly
            : TransmissionFlags.SendTrim | TransmissionFlags.SendWriteZeroes | TransmissionFlags.SendFastZero);
    }
}

/// <summary>The exports of a server. Names are compared byte by byte, as the protocol says.</summary>
internal interface IExportCatalogue
{
    IReadOnlyList<NbdExport> Exports { get; }
}
