using PcieOe.Protocol.Nvme;

namespace PcieOe.Host.NvmeDriver;

/// <summary>Points a command at its data, which is contiguous as the device sees it (NVMe 1.4, sections 4.3 and 4.4).</summary>
internal static class DataPointers
{
    private const int PageBytes = DmaPool.PageBytes;

    /// <summary>Bytes of a PRP list for the longest transfer; lists are aligned to their size, so that none crosses a page.</summary>
    public const int ListBytes = 1024;

    /// <summary>The longest transfer that one list describes, whatever its alignment.</summary>
    public const int MaximumBytes = ListBytes / sizeof(ulong) * PageBytes;

    /// <summary>Pages that a transfer touches.</summary>
    public static int Pages(ulong address, int bytes) => ((int)(address % PageBytes) + bytes + PageBytes - 1) / PageBytes;

    /// <summary>One descriptor for all of it.</summary>
    public static void SetSgl(ref SubmissionEntry entry, ulong address, int bytes)
    {
        entry.DataPointer = DataPointerKind.Sgl;
        entry.Sgl = SglDescriptor.Create(SglType.DataBlock, address, (uint)bytes);
    }

    /// <summary>PRP entries, and a list where there are more than two pages.</summary>
    /// <param name="listAddress">By which the controller finds the list.</param>
    /// <returns>Entries written to <paramref name="list"/>.</returns>
    public static int SetPrp(ref SubmissionEntry entry, ulong address, int bytes, ulong listAddress, Span<ulong> list)
    {
        int pages = Pages(address, bytes);
        ulong second = (address & ~(ulong)(PageBytes - 1)) + PageBytes;
        entry.Prp1 = address;
        if (pages <= 2)
        {
            entry.Prp2 = pages == 2 ? second : 0;
            return 0;
        }

        entry.Prp2 = listAddress;
        for (int page = 1; page < pages; page++)
        {
            list[page - 1] = second + (ulong)(page - 1) * PageBytes;
        }

        return pages - 1;
    }
}
