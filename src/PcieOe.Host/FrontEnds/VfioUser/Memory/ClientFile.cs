using PcieOe.Host.Interop;

namespace PcieOe.Host.FrontEnds.VfioUser.Memory;

/// <summary>What a descriptor that came with DMA_MAP is, and so how its memory may be touched.</summary>
internal readonly unsafe record struct ClientFile(bool IsRegularFile, ulong SizeBytes, bool IsMemory, bool IsHugePages, bool CannotShrink)
{
    private const int EmptyPath = 0x1000;
    private const uint ModeAndSize = 0x1 | 0x2 | 0x200;
    private const int FileKindMask = 0xF000;
    private const int RegularFile = 0x8000;
    private const int GetSeals = 1034;
    private const int SealShrink = 0x2;
    private const long TmpfsKind = 0x01021994;
    private const long HugetlbfsKind = 0x958458F6;
    private const long RamfsKind = 0x858458F6;

    /// <summary>Looks at a descriptor; false if even that fails.</summary>
    public static bool TryExamine(int descriptor, out ClientFile file)
    {
        file = default;
        byte empty = 0;
        FileStatus status;
        FileSystemInformation fileSystem;
        if (LibC.ExtendedStatus(descriptor, &empty, EmptyPath, ModeAndSize, &status) < 0 || LibC.FileSystemStatus(descriptor, &fileSystem) < 0)
        {
            return false;
        }

        int seals = LibC.FileControl(descriptor, GetSeals, 0); // fails where there are none to have
        file = new ClientFile(
            (status.Mode & FileKindMask) == RegularFile,
            status.SizeBytes,
            fileSystem.Kind is TmpfsKind or HugetlbfsKind or RamfsKind,
            fileSystem.Kind == HugetlbfsKind,
            seals >= 0 && (seals & SealShrink) != 0);
        return true;
    }
}
